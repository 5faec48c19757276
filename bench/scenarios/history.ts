import { type Context, type Ratio, type Row, type ScenarioResult, wants } from '../context.ts';
import { figure, measureLoad } from '../measure.ts';
import { profiled } from '../profile.ts';
import { startSocketIo } from '../targets/baselines.ts';
import { startParley } from '../targets/parley.ts';
import type { Target } from '../targets/target.ts';

/** Users read the newest page, of 50, of conversations that others have just read. */
export async function history(context: Context): Promise<ScenarioResult> {
  const users = context.options.quick ? 20 : 1000;
  const conversations = users / 2;
  const load = (target: Target, startRate: number) =>
    measureLoad(context, target, {
      kind: 'pages',
      shape: { t: 'pairs', users, conversations },
      startRate,
      warmUp: { rate: 2000, messages: conversations * 60 },
    });
  const rows: Row[] = [];
  const notes: string[] = [];
  let parley: Row | undefined;
  let socketIo: Row | undefined;
  if (wants(context, 'parley')) {
    parley = await profiled(context, notes, async (nodeArgs) => {
      await using target = await startParley('ws', { nodeArgs });
      return await load(target, 2000);
    });
    rows.push(parley);
  }
  if (wants(context, 'socketio')) {
    await using target = await startSocketIo();
    socketIo = await load(target, 1000);
    rows.push(socketIo);
  }
  const ratios: Ratio[] = [
    {
      what: 'pages/s, × socket.io + MariaDB',
      value: figure(parley, 'pages/s') / figure(socketIo, 'pages/s'),
      wanted: { atLeast: 3 },
    },
  ];
  return { scenario: 'history', rows, ratios, notes };
}
