import { type Context, type Ratio, type Row, type ScenarioResult, wants } from '../context.ts';
import { figure, type LoadOptions, measureLoad, round } from '../measure.ts';
import { profiled } from '../profile.ts';
import { median } from '../rate-search.ts';
import { startRelay, startSocketIo } from '../targets/baselines.ts';
import { startParley } from '../targets/parley.ts';
import type { Target } from '../targets/target.ts';

/** The load itself, for whoever is measured under it. */
export function privateLoad({ options }: Context): {
  readonly users: number;
  readonly conversations: number;
  readonly load: Omit<LoadOptions, 'startRate'>;
} {
  const { quick } = options;
  const users = quick ? 40 : 1000;
  const conversations = options.conversations ?? users / 2;
  // Long enough for the compilers of whoever is measured to be done, in our case and in the baselines'.
  const warmUp = { rate: quick ? 500 : 3000, messages: Math.max(conversations, quick ? 100 : 45_000) };
  return {
    users,
    conversations,
    load: { kind: 'messages', shape: { t: 'pairs', users, conversations }, warmUp },
  };
}

/** A thousand users write to each other, one to one. */
export async function privateChat(context: Context): Promise<ScenarioResult> {
  const { rounds = 1 } = context.options;
  const notes: string[] = [];
  const turns: Turn[] = [];
  // The machine is not the same from one minute to the next: those that are compared take turns.
  for (let done = 0; done < rounds; done++) turns.push(await turn(context, notes));
  const rows: Row[] = turns
    .flatMap(({ parley, socketIo }) => [parley, socketIo])
    .filter((row) => row !== undefined);
  if (wants(context, 'relay'))
    for (const mode of ['naive', 'coalesce'] as const) {
      await using target = await startRelay(mode);
      rows.push(await measureLoad(context, target, { ...privateLoad(context).load, startRate: 20_000 }));
    }
  return { scenario: 'private', rows, ratios: ratiosOf(context, turns, notes), notes };
}

/** One after the other, minutes apart. */
interface Turn {
  readonly parley: Row | undefined;
  readonly socketIo: Row | undefined;
}

async function turn(context: Context, notes: string[]): Promise<Turn> {
  const { grpc } = context.options;
  const load = (target: Target, startRate: number) =>
    measureLoad(context, target, { ...privateLoad(context).load, startRate });
  let parley: Row | undefined;
  let socketIo: Row | undefined;
  if (wants(context, 'parley'))
    parley = await profiled(context, notes, async (nodeArgs) => {
      await using target = await startParley(grpc ? 'grpc' : 'ws', { nodeArgs });
      return await load(target, 4000);
    });
  if (wants(context, 'socketio')) {
    await using target = await startSocketIo();
    socketIo = await load(target, 1500);
  }
  return { parley, socketIo };
}

function ratiosOf(context: Context, turns: readonly Turn[], notes: string[]): Ratio[] {
  const { grpc } = context.options;
  const { users, conversations } = privateLoad(context);
  const compared = (name: string): number[] =>
    turns.map(({ parley, socketIo }) => figure(parley, name) / figure(socketIo, name));
  const rates = compared('sends/s');
  const costs = compared('CPU µs/message');
  if (turns.length > 1)
    notes.push(
      `turn by turn: sends/s × ${rates.map(round).join(', ')}; CPU × ${costs.map(round).join(', ')}`,
    );
  return [
    {
      what: `${conversations} conversations${grpc ? ' by gRPC' : ''}: sends/s, × socket.io + MariaDB`,
      value: median(rates),
      wanted: { atLeast: grpc ? 1.5 : conversations > users ? 2.4 : 3 },
    },
    {
      what: 'CPU of the server a message, × socket.io and its database',
      value: median(costs),
      wanted: { atMost: 0.3 },
    },
  ];
}
