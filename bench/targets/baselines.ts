import { fileURLToPath } from 'node:url';
import { Child } from '../../test/engines/child.ts';
import { freePort } from '../../test/engines/free-port.ts';
import { startChatDatabase } from './chat-database.ts';
import type { Target } from './target.ts';

const script = (name: string) => fileURLToPath(new URL(`../baselines/${name}`, import.meta.url));
const start = (name: string, args: readonly unknown[]) =>
  Child.start({ command: process.execPath, args: [script(name), ...args.map(String)], readyWhen: /ready/ });

const poolSize = 20;
/** How long the coalescing relay collects for a group. */
const flushMs = 20;

/** socket.io with MariaDB behind it: one insert a message, acknowledged after it. */
export async function startSocketIo(): Promise<Target> {
  const database = await startChatDatabase();
  const port = await freePort();
  const server = await start('socketio-server.ts', [port, 'mysql', database.port, poolSize]);
  return {
    name: 'socket.io + MariaDB',
    dialect: 'socketio',
    ports: [port],
    pids: [server.pid, database.pid],
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A bare relay without storage. */
export async function startRelay(mode: 'naive' | 'coalesce'): Promise<Target> {
  const port = await freePort();
  const server = await start('ws-relay.ts', [port, mode, flushMs]);
  return {
    name: mode === 'naive' ? 'ws relay, no storage' : 'ws relay, coalescing, no storage',
    dialect: `relay-${mode}`,
    ports: [port],
    pids: [server.pid],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
