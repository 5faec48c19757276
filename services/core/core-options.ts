import { z } from 'zod';
import { ConfigError, option, type OptionTable } from './config.ts';

/** What all parts agree on. */
export const coreOptions = {
  mode: option<Mode>({
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

/** Whether a listener bound to this address is on all of them: then it says to nobody where it is reached. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * Throws a ConfigError when development mode, which asks nobody for a token, would be reachable from elsewhere. `hosts`
 * are the addresses that listeners bind to, by the variable that sets them.
 */
export function checkReach(mode: Mode, hosts: Readonly<Record<string, string>>): void {
  if (mode === 'production') return;
  const problems = Object.entries(hosts)
    .filter(([, host]) => !isLoopback(host))
    .map(([env, host]) => `${env} must be a loopback address in development mode; it is "${host}"`);
  if (problems.length > 0) throw new ConfigError(problems);
}
