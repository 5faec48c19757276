import { type Context, type Ratio, type Row, type ScenarioResult, wants } from '../context.ts';
import { userName } from '../generator/client.ts';
import { groupName } from '../generator/parley/directory.ts';
import { figure, measureLoad } from '../measure.ts';
import { profiled } from '../profile.ts';
import { startRelay, startSocketIo } from '../targets/baselines.ts';
import { startParley } from '../targets/parley.ts';
import type { Target } from '../targets/target.ts';

/** One group of five hundred who are all online: everybody gets every message. */
export async function group500(context: Context): Promise<ScenarioResult> {
  const { quick } = context.options;
  const members = quick ? 30 : 500;
  const load = (target: Target, startRate: number) =>
    measureLoad(context, target, {
      kind: 'messages',
      shape: { t: 'group', members },
      startRate,
      warmUp: { rate: startRate / 2, messages: quick ? 20 : startRate * 2 },
    });
  const rows: Row[] = [];
  const notes: string[] = [];
  let parley: Row | undefined;
  let socketIo: Row | undefined;
  let relay: Row | undefined;
  if (wants(context, 'parley')) {
    parley = await profiled(context, notes, async (nodeArgs) => {
      await using target = await startParley('ws', { nodeArgs });
      const users = Array.from({ length: members }, (_, user) => userName(user));
      await target.server.call(
        'GroupService/CreateGroup',
        { groupId: groupName(0), name: 'bench', members: users.slice(1), clientId: 'create' },
        userName(0),
      );
      return await load(target, 1000);
    });
    rows.push(parley);
  }
  if (wants(context, 'socketio')) {
    await using target = await startSocketIo();
    socketIo = await load(target, 40);
    rows.push(socketIo);
  }
  if (wants(context, 'relay')) {
    await using naive = await startRelay('naive');
    rows.push(await load(naive, 60));
    await using coalescing = await startRelay('coalesce');
    relay = await load(coalescing, 4000);
    rows.push(relay);
  }
  const deliveries = (row: Row | undefined) => figure(row, 'deliveries/s');
  const ratios: Ratio[] = [
    {
      what: 'deliveries/s, × coalescing relay without storage',
      value: deliveries(parley) / deliveries(relay),
      wanted: { atLeast: 0.2 },
    },
    {
      what: 'deliveries/s, × socket.io + MariaDB',
      value: deliveries(parley) / deliveries(socketIo),
      wanted: { atLeast: 15 },
    },
  ];
  return { scenario: 'group500', rows, ratios, notes };
}
