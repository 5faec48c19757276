import { parentPort, workerData } from 'node:worker_threads';
import { KeyRing } from '../../core/seal.ts';
import { decodeCommit } from '../../ports/commit-codec.ts';
import { encodeSpans, spanOf } from '../../ports/outbox-codec.ts';
import { messageOf, refusalOf } from './failure.ts';
import type { PacketCall, PacketReply, PacketSetup } from './packet-call.ts';
import { render } from './rendered.ts';
import { Seals } from './seals.ts';
import { packetsOf } from './transaction.ts';

/** The thread that seals batches and makes their packets: it knows no database. */

const port = parentPort;
if (port === null) throw new Error('packets are rendered in a thread of its own');
const seals = new Seals(new KeyRing((workerData as PacketSetup).masterKeys));

port.on('message', (call: PacketCall) => void carryOut(call));

async function carryOut(call: PacketCall): Promise<void> {
  try {
    const packets = (await packetsFor(call)).map(bytesOf);
    reply({ t: 'packets', id: call.id, packets }, packets);
  } catch (error) {
    reply({ t: 'refusal', id: call.id, kind: refusalOf(error).kind, message: messageOf(error) });
  }
}

async function packetsFor(call: PacketCall): Promise<string[]> {
  const { epoch, batchId, conversations } = decodeCommit(new Uint8Array(call.batch, 0, call.length));
  const unnamed = new Set(call.unnamed.map((at) => conversations[at]?.convNo));
  const parts = await render(conversations, seals, (convNo) => !unnamed.has(convNo));
  const payload = call.outbox ? encodeSpans(conversations.map(spanOf)) : undefined;
  const head = { batchId, part: 0, incarnation: call.incarnation, epoch, payload };
  return packetsOf(head, parts, call.maxPacketBytes);
}

function bytesOf(packet: string): ArrayBuffer {
  const bytes = Buffer.allocUnsafeSlow(packet.length);
  bytes.write(packet, 'latin1');
  return bytes.buffer as ArrayBuffer;
}

function reply(message: PacketReply, moved: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, moved);
}
