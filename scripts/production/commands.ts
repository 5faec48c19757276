import { connect } from 'node:net';
import type { Machine } from './machines.ts';

const askMs = 3_000;

/** A program with its arguments, run on a machine. */
export function commandIn(
  machine: Machine,
  ...words: readonly string[]
): { readonly command: string; readonly args: readonly string[] } {
  const [command, ...args] = [...machine.command, ...words] as [string, ...string[]];
  return { command, args };
}

/** Resolves where it answers, and well. */
export async function answers(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(askMs) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

/** Resolves where somebody listens. */
export function listens(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: askMs });
    const end = (error?: Error): void => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.on('connect', () => end());
    socket.on('timeout', () => end(new Error('no answer in time')));
    socket.on('error', end);
  });
}
