import { z } from 'zod';
import { ConfigError, option, type OptionTable } from './config.ts';

/** What all parts agree on. */
export const coreOptions = {
  mode: option({
    env: 'PARLEY_MODE',
    type: z.enum(['development', 'production']),
    default: 'production',
    doc: 'In development names sign in without a token and secrets are made up on first start; it listens on loopback only. Production does not start without secrets. `npm start` sets development.',
  }),
  dataDir: option({
    env: 'PARLEY_DATA_DIR',
    type: z.string(),
    default: './data',
    doc: 'Directory of the embedded store and of generated keys.',
  }),
  host: option({
    env: 'PARLEY_HOST',
    type: z.string(),
    default: '127.0.0.1',
    doc: 'Address that the listeners bind to; `0.0.0.0` or `::` for all.',
  }),
} satisfies OptionTable;

export type Mode = 'development' | 'production';

/** Whether only this machine can reach a listener bound to this address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Throws a ConfigError when development mode, which asks nobody for a token, would be reachable from elsewhere. */
export function checkReach(mode: Mode, host: string): void {
  if (mode === 'production' || isLoopback(host)) return;
  throw new ConfigError([
    `PARLEY_HOST must be a loopback address in development mode; it is "${host}" (set PARLEY_MODE=production to be reachable from elsewhere)`,
  ]);
}
