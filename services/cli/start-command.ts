import { type Config, optionTables } from '../options.ts';
import { type Environment, loadConfig, unknownVariables } from '../core/config.ts';
import { createLogger, type LogFields, type Logger } from '../core/log.ts';
import type { StopReason } from '../core/service.ts';
import { DirectoryError } from '../ports/directory.ts';
import { StoreError } from '../ports/message-store.ts';
import { type Arguments, type Command, type CommandIo, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';

const allRoles = ['bridge', 'connection', 'message', 'group', 'push'] as const;
type Role = (typeof allRoles)[number];

interface Running {
  readonly ports: Readonly<Record<string, number>>;
  /** Undefined: it is ready when it has started. */
  readonly ready?: Promise<void>;
  stop(reason: StopReason): Promise<void>;
}

/** `parley start`: serves until it is told to stop. */
export function startCommand(env?: Environment): Command {
  return {
    name: 'start',
    operands: '',
    summary: 'Start the server.',
    options: {
      roles: {
        value: 'ROLES',
        doc: `What this process does, comma separated: ${allRoles.join(', ')}; all unless given.`,
      },
      upstream: {
        value: 'URL',
        doc: 'For the role bridge alone: the node port of a connection node, or several, comma separated.',
      },
    },
    least: 0,
    most: 0,
    async run(args, io) {
      const roles = rolesOf(args);
      const config = withArguments(loadConfig(optionTables, env), args);
      const { nodeId } = config.cluster;
      // Whoever gave nodes names finds their lines by them.
      const log = createLogger(config.log).child(nodeId === '' ? {} : { 'service.node.name': nodeId });
      for (const hint of unknownVariables(optionTables, env)) log.warn(hint);
      let server: Running;
      try {
        server = await start(config, roles, log);
      } catch (error) {
        io.note(`parley: ${whyNot(error)}\n`);
        return 1;
      }
      const stopped = stopSignal();
      // It may have to go before it has come.
      if (await Promise.race([ready(server), stopped])) told(server, config, log, io);
      await stopped;
      log.info('stopping', { 'event.action': 'stopping' });
      await server.stop('signal');
      log.info('stopped', { 'event.action': 'stopped' });
      return 0;
    },
  };
}

async function ready(server: Running): Promise<true> {
  await server.ready;
  return true;
}

/** Says where it is reached, to machines and in development to people. */
function told({ ports }: Running, config: Config, log: Logger, io: CommandIo): void {
  const fields: Record<string, number> = {};
  for (const [name, port] of Object.entries(ports)) if (port > 0) fields[`parley.${name}`] = port;
  log.info('ready', { 'event.action': 'ready', ...fields } satisfies LogFields);
  if (config.core.mode === 'development' && ports.http) io.note(welcome(ports.http, config));
}

/** Where to go first. The token is not printed: what is written here ends up in logs. */
function welcome(port: number, { bridge }: Config): string {
  const at = `${bridge.tlsCert === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const admin = bridge.adminPage
    ? `  Administration: ${at}/admin, with the token of\n  npm run --silent parley -- token ops --service --scope admin,tokens\n`
    : '';
  return `\n  Parley is at ${at}\n${admin}\n`;
}

/** In words what keeps the server from starting, where people can do something about it; rethrows anything else. */
function whyNot(error: unknown): string {
  if (error instanceof StoreError || error instanceof DirectoryError) return error.message;
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code === 'EADDRINUSE') return `${address}:${port} is in use: is Parley running already?`;
  if (code === 'EACCES' && port !== undefined) return `no permission to listen on ${address}:${port}`;
  throw error;
}

function withArguments(config: Config, args: Arguments): Config {
  const named = oneValue(args, 'upstream')?.split(',');
  return named === undefined ? config : { ...config, upstream: { urls: named } };
}

/** Each of them loads what the others don't need. */
async function start(
  config: Config,
  roles: ReadonlySet<Role>,
  log: ReturnType<typeof createLogger>,
): Promise<Running> {
  const bridge = roles.has('bridge');
  if (roles.size === 1 && bridge) {
    const { startBridge } = await import('../bridge-server.ts');
    return startBridge(config, log);
  }
  const whole = (['connection', 'message', 'group'] as const).every((role) => roles.has(role));
  if (whole && config.directory.redisUrl === '') {
    const { startEmbedded } = await import('../embedded-server.ts');
    return startEmbedded(config, log, { bridge });
  }
  const { startClusterNode } = await import('../cluster-server.ts');
  return startClusterNode(config, roles, log);
}

function rolesOf(args: Arguments): ReadonlySet<Role> {
  const named = (args.values.get('roles') ?? []).flatMap((list) => list.split(',')).filter(Boolean);
  for (const name of named) {
    if (!allRoles.includes(name as Role))
      throw new UsageError(`there is no role ${name}: ${allRoles.join(', ')}`);
  }
  const roles = new Set(named.length === 0 ? allRoles : (named as Role[]));
  if (args.values.has('upstream') && (roles.size > 1 || !roles.has('bridge'))) {
    throw new UsageError('--upstream is for --roles bridge');
  }
  if (roles.has('bridge') && roles.size > 1 && !roles.has('connection'))
    throw new UsageError('bridge is alone, or in a process with connection');
  return roles;
}

/** Resolves at the first signal; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
