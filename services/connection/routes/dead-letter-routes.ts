import type { DeadLetterService } from '../../../gen/parley/chat/v1/dead_letter_pb.ts';
import { Fault } from '../../core/fault.ts';
import { requireScope } from '../auth.ts';
import * as check from '../check.ts';
import { actorOf } from './actor-of.ts';
import type { Routes } from './route.ts';

const idPattern = /^[\w-]{1,64}$/;

export const deadLetterRoutes: Routes<typeof DeadLetterService> = {
  async listDeadLetters({ limit }, { caller, administration }) {
    requireScope(caller, 'admin');
    return administration.letters(check.pageSize(limit, 100, 1_000, 'limit'));
  },

  async replayDeadLetters({ ids }, context) {
    requireScope(context.caller, 'admin');
    const act = { action: 'dead-letters.replay', ...lettersOf(ids, 100) };
    return context.administration.act(
      actorOf(context),
      act,
      () => context.administration.replay(ids),
      ({ letters }) => (letters ?? []).every(({ delivered }) => delivered),
    );
  },

  async dropDeadLetters({ ids }, context) {
    requireScope(context.caller, 'admin');
    const act = { action: 'dead-letters.drop', ...lettersOf(ids, 1_000) };
    const dropped = await context.administration.act(actorOf(context), act, () =>
      context.administration.drop(ids),
    );
    return { dropped };
  },
};

/** For the audit log, as far as it has room. */
function lettersOf(ids: readonly string[], most: number) {
  if (ids.length === 0)
    throw new Fault('invalidField', { message: 'at least one letter is needed', field: 'ids' });
  check.atMost(ids.length, most, 'ids');
  const bad = ids.findIndex((id) => !idPattern.test(id));
  if (bad >= 0) throw new Fault('invalidField', { message: 'no id of a letter', field: `ids[${bad}]` });
  return { target: ids.join(' '), details: { letters: String(ids.length) } };
}
