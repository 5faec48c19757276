import { parentPort, workerData } from 'node:worker_threads';
import { type StoreErrorKind, StoreError } from '../../ports/message-store.ts';
import { messageOf } from './level.ts';
import type { Call, Packed, Reply, ThreadSetup } from './protocol.ts';
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
    const value =
      call.name === 'check'
        ? await store.check((entries) => reply({ t: 'progress', id: call.id, entries }))
        : await (store[call.name] as (...args: readonly unknown[]) => Promise<unknown>)(...call.args);
    reply({ t: 'answer', id: call.id, value }, isPacked(value) ? [value.buffer] : []);
  } catch (error) {
    reply({ t: 'refusal', id: call.id, ...refusal(error) });
  }
  if (call.name === 'close') port?.close();
}

function reply(message: Reply, moved: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, moved);
}

function refusal(error: unknown): { kind: StoreErrorKind; message: string } {
  const kind = error instanceof StoreError ? error.kind : 'unavailable';
  return { kind, message: messageOf(error) };
}

function isPacked(value: unknown): value is Packed {
  return (
    typeof value === 'object' && value !== null && 'buffer' in value && value.buffer instanceof ArrayBuffer
  );
}
