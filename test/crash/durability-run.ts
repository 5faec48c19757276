import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { freePorts, ParleyServer, temporaryDirectory } from '../../bench/targets/parley.ts';
import type { Site } from './site.ts';
import { Strace } from './strace.ts';
import { type Acknowledgement, batchesOf, type Pairing, pairAcknowledgements, readTrace } from './trace.ts';
import { Traffic } from './traffic.ts';
import { until } from './until.ts';
import { createGroups, makeWorld } from './world.ts';

const users = 12;
const outstandingEach = 4;
const patienceMs = 60_000;
/** The first descriptor that a child gets besides its standard ones. */
const traceFd = 3;

/**
 * Traces the system calls of a server under traffic, and pairs every acknowledgement that a client received with the
 * sync that covers its entry. A killed process doesn't show a missing sync, since the kernel keeps what was written.
 */
export async function traceDurability(
  acknowledgements: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Pairing> {
  await using directory = await temporaryDirectory();
  const traceFile = path.join(directory.path, 'trace');
  const ports = await freePorts();
  await using trace = await open(traceFile, 'a');
  await using server = await ParleyServer.start({
    dataDir: path.join(directory.path, 'data'),
    ports,
    extraFds: [trace.fd],
    env: { PARLEY_TEST_TRACE_FD: String(traceFd), ...env },
  });
  const world = makeWorld(users);
  const site: Site = { ports: () => ports, call: (rpc, request, user) => server.call(rpc, request, user) };
  await createGroups(world, site);
  await using traffic = new Traffic({ world, site, outstanding: outstandingEach, random: Math.random });
  traffic.start();
  await until(
    () => traffic.clients.every((client) => client.online),
    patienceMs,
    () => 'not all are online',
  );
  const acks: Acknowledgement[] = [];
  await using strace = await Strace.attach(server.pid, path.join(directory.path, 'strace'));
  for (const client of traffic.clients)
    client.onSent = (msgId) => acks.push({ msgId, receivedAtMs: performance.timeOrigin + performance.now() });
  traffic.on();
  await until(
    () => acks.length >= acknowledgements,
    patienceMs,
    () => `${acks.length} acknowledgements\n${server.child.output.slice(-2000)}`,
  );
  await traffic.off();
  // What came before this is traced in full.
  const received = [...acks];
  const output = await strace.detach();
  return pairAcknowledgements(
    received,
    batchesOf(await readFile(traceFile, 'utf8')),
    readTrace(output, traceFile),
  );
}
