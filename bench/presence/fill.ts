import { randomBytes } from 'node:crypto';
import { uniqueId } from '../../sdk/unique-id.ts';
import { systemClock } from '../../services/core/clock.ts';
import { loadConfig } from '../../services/core/config.ts';
import type { UserId } from '../../services/core/ids.ts';
import { silentLogger } from '../../services/core/log.ts';
import { IdSource } from '../../services/core/snowflake.ts';
import { MessageNode } from '../../services/message/message-node.ts';
import { messageOptions } from '../../services/message/options.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import { linkVersion } from '../../services/peer/hello.ts';
import { edgeCodec, ownerCodec } from '../../services/peer/link-codecs.ts';
import { linkCounters, StreamLink } from '../../services/peer/stream-link.ts';
import { TempStore } from '../../test/helpers/temp-store.ts';
import { residentBytes } from '../process-stats.ts';

/**
 * Tells a message node of sessions, by the messages that edges send it, and says what the node's memory has grown by:
 *
 *   node --expose-gc bench/presence/fill.ts USERS EDGES DEVICES
 *
 * Users have names of 20 characters, and devices names as the client library draws them. The last line is JSON.
 */
const [users, edges, devices] = process.argv.slice(2).map(Number) as [number, number, number];
/** As much as an edge says at once. */
const framesEach = 1_000;

const collect = globalThis.gc;
if (collect === undefined) throw new Error('node --expose-gc');

async function settled(): Promise<{ readonly heap: number; readonly resident: number }> {
  for (let i = 0; i < 5; i++) {
    collect?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { heap: process.memoryUsage().heapUsed, resident: residentBytes(process.pid) };
}

await using store = await TempStore.open();
const { message: config } = loadConfig({ message: messageOptions }, {});
const lease = { worker: 1, reservedUntilMs: Number.MAX_SAFE_INTEGER };
const node = new MessageNode({
  config,
  store: store.store,
  ids: new IdSource({ clock: systemClock, lease }),
  clock: systemClock,
  incarnation: 1,
  log: silentLogger,
  recentMs: 30_000,
});

const hello = (nodeId: string) => ({
  version: linkVersion,
  nodeId,
  incarnation: 1,
  clusterToken: '',
  storeEpoch: '',
});
let registered = 0;

/** An edge is linked, whose messages are the bytes that a connection node writes. */
function edge(no: number): (frames: readonly EdgeFrame[]) => void {
  const link = new StreamLink<OwnerFrame, EdgeFrame>({
    carrier: {
      write: (message, written) => {
        for (const frame of edgeCodec.decode(message)) if (frame.t === 'registered') registered += 1;
        setImmediate(written);
      },
      hangUp: () => {},
    },
    codec: ownerCodec,
    counters: linkCounters(),
    limitBytes: 64 * 1024 * 1024,
    hello: () => hello('message'),
    calls: false,
    opened: (own, { nodeId }) => node.acceptEdge(own, nodeId),
    failed: (error) => {
      throw error;
    },
  });
  link.take(edgeCodec.encode([{ t: 'hello', hello: hello(`edge ${no}`) }]));
  return (frames) => link.take(edgeCodec.encode(frames));
}

const links = Array.from({ length: edges }, (_, no) => edge(no));
const sessions = users * devices;

/** All sessions from a number on, edge by edge, as each of them comes up. */
async function fill(from: number, to: number): Promise<void> {
  const waiting: EdgeFrame[][] = links.map(() => []);
  for (let no = from; no < to; no++) {
    // The devices of a user are at different edges.
    const [user, device] = [Math.floor(no / devices), no % devices];
    const userId = `user-${String(user).padStart(15, '0')}` as UserId;
    const at = (user + device) % edges;
    waiting[at]?.push({ t: 'sessionUp', session: no + 1, userId, deviceId: uniqueId(), ageMs: 0 });
    if ((waiting[at]?.length ?? 0) >= framesEach) await tell(at);
  }
  for (const at of links.keys()) await tell(at);

  async function tell(at: number): Promise<void> {
    links[at]?.(waiting[at] ?? []);
    waiting[at] = [];
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// The code is compiled, and the buffers are as large as they get, before anything counts.
const warmUp = Math.min(20_000, Math.ceil(sessions / 10));
await fill(0, warmUp);
const before = await settled();
await fill(warmUp, sessions);
const after = await settled();
if (registered !== sessions) throw new Error(`${registered} of ${sessions} sessions were registered`);
const sample = `user-${String(users - 1).padStart(15, '0')}` as UserId;
if (!node.isOnline(sample) || node.isOnline(randomBytes(8).toString('hex') as UserId))
  throw new Error('the node does not know who is online');
const count = sessions - warmUp;
process.stdout.write(
  `${JSON.stringify({
    sessions,
    heapBytes: (after.heap - before.heap) / count,
    residentBytes: (after.resident - before.resident) / count,
  })}\n`,
);
await node.stop();
