import { type Context, type Ratio, type Row, type ScenarioResult, wants } from '../context.ts';
import { figure, type LoadOptions, measureLoad } from '../measure.ts';
import { profiled } from '../profile.ts';
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
  const { grpc } = context.options;
  const { users, conversations } = privateLoad(context);
  const load = (target: Target, startRate: number) =>
    measureLoad(context, target, { ...privateLoad(context).load, startRate });
  const rows: Row[] = [];
  const notes: string[] = [];
  let parley: Row | undefined;
  let socketIo: Row | undefined;
  if (wants(context, 'parley')) {
    parley = await profiled(context, notes, async (nodeArgs) => {
      await using target = await startParley(grpc ? 'grpc' : 'ws', { nodeArgs });
      return await load(target, 4000);
    });
    rows.push(parley);
  }
  if (wants(context, 'socketio')) {
    await using target = await startSocketIo();
    socketIo = await load(target, 1500);
    rows.push(socketIo);
  }
  if (wants(context, 'relay'))
    for (const mode of ['naive', 'coalesce'] as const) {
      await using target = await startRelay(mode);
      rows.push(await load(target, 20_000));
    }
  const ratios: Ratio[] = [
    {
      what: `${conversations} conversations${grpc ? ' by gRPC' : ''}: sends/s, × socket.io + MariaDB`,
      value: figure(parley, 'sends/s') / figure(socketIo, 'sends/s'),
      wanted: { atLeast: grpc ? 1.5 : conversations > users ? 2.4 : 3 },
    },
    {
      what: 'CPU of the server a message, × socket.io and its database',
      value: figure(parley, 'CPU µs/message') / figure(socketIo, 'CPU µs/message'),
      wanted: { atMost: 0.3 },
    },
  ];
  return { scenario: 'private', rows, ratios, notes };
}
