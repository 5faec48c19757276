import { mySqlOptions } from '../adapters/mysql/options.ts';
import { systemClock } from '../core/clock.ts';
import { coreOptions } from '../core/core-options.ts';
import { ConfigError, type Environment, loadConfig } from '../core/config.ts';
import { silentLogger } from '../core/log.ts';
import { kafkaOptions } from '../kafka-options.ts';
import { openDeadLetters } from '../open-events.ts';
import { openProviders } from '../push-aims.ts';
import { openStore } from '../open-store.ts';
import { optionTables } from '../options.ts';
import type { DeadLetter, DeadLetters } from '../ports/dead-letters.ts';
import { StoreError } from '../ports/message-store.ts';
import { Courier } from '../push/courier.ts';
import { readEndpoints } from '../push/endpoint-file.ts';
import { pushOptions } from '../push/options.ts';
import { PushReplay } from '../push/push-replay.ts';
import { isPush, resendOf } from '../push/resend.ts';
import { type Arguments, type Command, type CommandIo, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';
import { printable } from './table.ts';

const mostListed = 10_000;
const tables = { core: coreOptions, mysql: mySqlOptions, push: pushOptions, kafka: kafkaOptions };

/** `parley dead-letters`: webhooks and pushes that were given up, whether a server runs or not. `env` is the process's unless given. */
export function deadLettersCommand(env?: Environment): Command {
  return {
    name: 'dead-letters',
    operands: 'list|replay|drop [ID…]',
    summary: 'List webhooks and pushes that were given up, send them again, or drop them.',
    options: {
      endpoint: { value: 'NAME', doc: 'Those for this endpoint alone.' },
    },
    least: 1,
    most: 1 + mostListed,
    async run(args, io) {
      const [verb = '', ...ids] = args.operands;
      if (verb !== 'list' && verb !== 'replay' && verb !== 'drop') {
        throw new UsageError(`dead-letters can list, replay and drop, not ${JSON.stringify(verb)}`);
      }
      // A letter that is dropped is gone: which ones is not left to a default.
      if (verb === 'drop' && ids.length === 0)
        throw new UsageError('dead-letters drop needs the IDs of letters');
      const config = loadConfig(tables, env);
      const letters = await openDeadLetters(config);
      try {
        const chosen = await choose(letters, ids, args);
        if (verb === 'list') return list(chosen, io);
        if (verb === 'replay') return await replay(letters, chosen, env, io);
        for (const letter of chosen) await letters.remove(letter);
        io.note(`${chosen.length} dropped\n`);
        return 0;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        io.note(`parley: ${error.message}\n`);
        return 1;
      } finally {
        await letters.close();
      }
    },
  };
}

async function choose(
  letters: DeadLetters,
  ids: readonly string[],
  args: Arguments,
): Promise<readonly DeadLetter[]> {
  const endpoint = oneValue(args, 'endpoint');
  if (ids.length === 0) return letters.list(mostListed, endpoint);
  const found = await letters.find(ids);
  const known = new Set(found.map(({ id }) => id));
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0) throw new UsageError(`there is no dead letter ${missing.join(', ')}`);
  return found.filter((letter) => endpoint === undefined || letter.endpoint === endpoint);
}

function list(letters: readonly DeadLetter[], io: CommandIo): number {
  for (const { id, endpoint, type, convId, firstSeq, occurredAtMs, attempts, reason } of letters) {
    const when = new Date(occurredAtMs).toISOString();
    io.out(
      `${id}\t${endpoint}\t${when}\t${type}\t${printable(convId)}\t${firstSeq}\t${attempts} attempts\t${printable(reason)}\n`,
    );
  }
  const more = letters.length < mostListed ? '' : ', the oldest; --endpoint lists those of one';
  io.note(`${letters.length} dead letters${more}\n`);
  return 0;
}

/** One attempt each, in the order in which they happened; 1 when any failed again. */
async function replay(
  letters: DeadLetters,
  chosen: readonly DeadLetter[],
  env: Environment | undefined,
  io: CommandIo,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const pushes = chosen.some(isPush) ? await openPushReplay(env, stack) : undefined;
  const couriers = chosen.every(isPush)
    ? new Map<string, Courier>()
    : await openCouriers(loadConfig(tables, env), letters, stack);
  const resend = resendOf({ couriers, pushes, log: silentLogger });
  let failed = 0;
  for (const letter of chosen) {
    const problem = await resend(letter);
    if (problem === undefined) await letters.remove(letter);
    else failed += 1;
    io.out(`${letter.id}\t${letter.endpoint}\t${problem ?? 'delivered'}\n`);
  }
  io.note(`${chosen.length - failed} delivered, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function openCouriers(
  config: ReturnType<typeof loadConfig<typeof tables>>,
  deadLetters: DeadLetters,
  stack: AsyncDisposableStack,
): Promise<ReadonlyMap<string, Courier>> {
  const { webhooks } = config.push;
  if (webhooks === '') throw new ConfigError(['PARLEY_WEBHOOKS must name the endpoints that letters go to']);
  const endpoints = await readEndpoints(webhooks, config.core.mode);
  const parts = { clock: systemClock, random: Math.random, log: silentLogger, mostWaiting: 1 };
  const couriers = endpoints.map(
    (endpoint) => new Courier({ endpoint, config: config.push, deadLetters, ...parts }),
  );
  stack.defer(() => {
    for (const courier of couriers) courier.stop();
  });
  return new Map(couriers.map((courier) => [courier.endpoint.name, courier]));
}

/** Pushes are made anew from the store, which a single process has to itself while it runs. */
async function openPushReplay(
  env: Environment | undefined,
  stack: AsyncDisposableStack,
): Promise<PushReplay> {
  const config = loadConfig(optionTables, env);
  const providers = await openProviders(config, silentLogger);
  stack.defer(() => providers.close());
  const store = await openStore(config, silentLogger);
  stack.defer(() => store.close());
  return new PushReplay({ config: config.devicePush, providers, store, clock: systemClock });
}
