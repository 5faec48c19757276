import { existsSync } from 'node:fs';
import { authOptions, loadTokenSecrets, secretFile } from '../connection/token-secrets.ts';
import {
  longestTokenSeconds,
  type TokenScope,
  Tokens,
  tokenScopes,
  tokenTtlSeconds,
} from '../connection/token.ts';
import { systemClock } from '../core/clock.ts';
import { type Environment, loadConfig, nearest } from '../core/config.ts';
import { coreOptions } from '../core/core-options.ts';
import { type Arguments, type Command, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';

/** `parley token`: a token signed with the same secrets as the server's. `env` is the process's unless given. */
export function tokenCommand(env?: Environment): Command {
  return {
    name: 'token',
    operands: 'NAME',
    summary: 'Issue a token for the user NAME, or for a service.',
    options: {
      ttl: { value: 'TIME', doc: 'How long it is valid: 900s, 30m, 12h, 7d; a day unless given.' },
      service: { doc: 'NAME is an internal service, not a user.' },
      scope: { value: 'SCOPE', doc: `What the service may do, comma separated: ${tokenScopes.join(', ')}.` },
    },
    least: 1,
    most: 1,
    async run(args, io) {
      const [name = ''] = args.operands;
      const scopes = scopesOf(args);
      const most = scopes === undefined ? tokenTtlSeconds.most : longestTokenSeconds;
      const ttlSeconds = ttlOf(oneValue(args, 'ttl'), most);
      const tokens = await tokensOf(env);
      const issued =
        scopes === undefined
          ? await tokens.issueUser(name, ttlSeconds)
          : await tokens.issueService(name, scopes, ttlSeconds);
      io.out(`${issued.token}\n`);
      const may = scopes === undefined ? 'user' : `service (${scopes.join(' ')})`;
      io.note(`${may} ${name}, valid until ${new Date(issued.expiresAtMs).toISOString()}\n`);
      return 0;
    },
  };
}

/** Tokens signed with the same secrets as the server's. */
export async function tokensOf(env?: Environment): Promise<Tokens> {
  const { core, auth } = loadConfig({ core: coreOptions, auth: authOptions }, env);
  // A secret in the data directory is that of the development server that made it, whatever the mode is here.
  const mode = existsSync(secretFile(core.dataDir)) ? 'development' : core.mode;
  const secrets = await loadTokenSecrets({ mode, secrets: auth.secrets, dataDir: core.dataDir });
  return new Tokens(secrets, systemClock);
}

/** The scopes of a service; undefined for a user. */
function scopesOf(args: Arguments): TokenScope[] | undefined {
  const named = (args.values.get('scope') ?? []).flatMap((list) => list.split(/[\s,]+/)).filter(Boolean);
  if (!args.flags.has('service')) {
    if (named.length > 0) throw new UsageError('--scope is for services: add --service');
    return undefined;
  }
  if (named.length === 0) throw new UsageError(`a service needs --scope: ${tokenScopes.join(', ')}`);
  for (const name of named) {
    if (tokenScopes.includes(name as TokenScope)) continue;
    const near = nearest(name, tokenScopes);
    throw new UsageError(`there is no scope ${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
  return [...new Set(named as TokenScope[])];
}

const unitSeconds: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 };

function ttlOf(text: string | undefined, most: number): number {
  if (text === undefined) return tokenTtlSeconds.usual;
  const match = /^(\d{1,9})([smhd]?)$/.exec(text);
  const seconds = Number(match?.[1]) * (unitSeconds[match?.[2] ?? ''] ?? Number.NaN);
  if (seconds >= tokenTtlSeconds.least && seconds <= most) return seconds;
  throw new UsageError(
    `--ttl must be a time from ${tokenTtlSeconds.least}s to ${most / 86_400}d, like 12h; it is ${text}`,
  );
}
