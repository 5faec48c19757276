import { parentPort, workerData } from 'node:worker_threads';
import { type StoreErrorKind, StoreError } from '../../ports/message-store.ts';
import { messageOf } from './level.ts';
import type { Call, Packed, Reply, StoreCalls, ThreadSetup } from './protocol.ts';
import { StoreThread } from './store-thread.ts';

/** The store's thread: takes calls off the port, and answers each exactly once. */

const port = parentPort;
if (port === null) throw new Error('the store runs in a thread of its own');

try {
  const store = await StoreThread.open(workerData as ThreadSetup, (event) => reply({ t: 'event', event }));
  port.on('message', (call: Call) => void carryOut(store, call));
  reply({ t: 'started', ...store.identity });
} catch (error) {
  reply({ t: 'notStarted', ...refusal(error) });
  port.close();
}

async function carryOut(store: StoreThread, call: Call): Promise<void> {
  try {
    const value = await valueOf(store, call);
    reply({ t: 'answer', id: call.id, value }, movedWith(value));
  } catch (error) {
    reply({ t: 'refusal', id: call.id, ...refusal(error) });
  }
  if (call.name === 'close') port?.close();
}

function valueOf(store: StoreThread, { id, name, args }: Call): Promise<unknown> {
  if (name === 'check') return store.check((entries) => reply({ t: 'progress', id, entries }));
  if (name === 'commit')
    return store.commit(...(args as Parameters<StoreCalls['commit']>), (step) =>
      reply({ t: 'step', id, step }),
    );
  return (store[name] as (...given: readonly unknown[]) => Promise<unknown>)(...args);
}

function reply(message: Reply, moved: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, moved);
}

function refusal(error: unknown): { kind: StoreErrorKind; message: string } {
  const kind = error instanceof StoreError ? error.kind : 'unavailable';
  return { kind, message: messageOf(error) };
}

/** Buffers that go over to the other thread instead of being copied: of what is packed, and of a page of a backup. */
function movedWith(value: unknown): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null) return [];
  if (isPacked(value)) return [value.buffer];
  return 'bytes' in value && value.bytes instanceof Uint8Array && value.bytes.buffer instanceof ArrayBuffer
    ? [value.bytes.buffer]
    : [];
}

function isPacked(value: object): value is Packed {
  return 'buffer' in value && value.buffer instanceof ArrayBuffer;
}
