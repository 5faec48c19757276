import { randomUUID } from 'node:crypto';
import {
  AdminService,
  EndSessionsResponseSchema,
  ExpelMemberResponseSchema,
  RevokeTokensResponseSchema,
} from '../../gen/parley/chat/v1/admin_pb.ts';
import { ClusterService, LocateConversationResponseSchema } from '../../gen/parley/chat/v1/cluster_pb.ts';
import {
  DeadLetterService,
  DropDeadLettersResponseSchema,
  ListDeadLettersResponseSchema,
  ReplayDeadLettersResponseSchema,
} from '../../gen/parley/chat/v1/dead_letter_pb.ts';
import { audit, group, hot, leases, nodes, queues, sessions, slow } from './admin-listings.ts';
import { limitOf, told, unreached, type Verb } from './admin-verb.ts';
import { duration, time } from './amounts.ts';
import { UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';
import { printable, table } from './table.ts';

const kick: Verb = {
  operands: 'USER',
  least: 1,
  most: 1,
  doc: 'end the sessions of a user, or of --device; they may come again',
  async run(client, [userId = ''], args) {
    const answer = await client
      .of(AdminService)
      .endSessions({ userId, deviceId: oneValue(args, 'device') ?? '' });
    const text = `${answer.ended} sessions ended\n`;
    return told(EndSessionsResponseSchema, answer, { text, ...unreached(answer.unreachable) });
  },
};

const revoke: Verb = {
  operands: 'USER',
  least: 1,
  most: 1,
  doc: 'make all tokens bad that a user was issued so far, or those that --device uses; ends their sessions',
  async run(client, [userId = ''], args) {
    const answer = await client
      .of(AdminService)
      .revokeTokens({ userId, deviceId: oneValue(args, 'device') ?? '' });
    const text = `tokens issued until ${time(answer.issuedUntilMs)} are revoked; kept until ${time(answer.endsAtMs)}\n`;
    return told(RevokeTokensResponseSchema, answer, { text });
  },
};

const owner: Verb = {
  operands: 'CONV',
  least: 1,
  most: 1,
  doc: 'which node owns a conversation',
  async run(client, [convId = '']) {
    const answer = await client.of(ClusterService).locateConversation({ convId });
    const rows = answer.holds.map(({ nodeId, kind, headSeq, members, idleMs }) => [
      nodeId,
      nodeId === answer.owner ? 'owner' : 'takes it for its own',
      kind,
      String(headSeq),
      String(members),
      duration(idleMs),
    ]);
    const held =
      rows.length === 0 ? '' : table(['node', 'is', 'kind', 'head', 'members', 'unused for'], rows);
    const text = `${answer.owner === '' ? 'no node owns it now' : `owned by ${answer.owner}`}\n${held}`;
    return told(LocateConversationResponseSchema, answer, { text, ...unreached(answer.unreachable) });
  },
};

const deadLetters: Verb = {
  operands: 'list|replay|drop [ID…]',
  least: 1,
  most: 1_001,
  doc: 'pushes that were given up: list them, send them again, or forget them',
  async run(client, [verb = '', ...ids], args) {
    const service = client.of(DeadLetterService);
    if (verb === 'list') {
      const answer = await service.listDeadLetters({ limit: limitOf(args) });
      const rows = answer.letters.map((letter) => [
        letter.id,
        letter.endpoint,
        time(letter.occurredAtMs),
        letter.type,
        printable(letter.convId),
        String(letter.firstSeq),
        String(letter.attempts),
        printable(letter.reason),
      ]);
      const text = table(['id', 'endpoint', 'happened', 'type', 'conversation', 'seq', 'tries', 'why'], rows);
      const note = answer.more ? 'there are more: --limit' : `${rows.length} dead letters`;
      return told(ListDeadLettersResponseSchema, answer, { text, note });
    }
    if (verb !== 'replay' && verb !== 'drop')
      throw new UsageError(`dead-letters can list, replay and drop, not ${JSON.stringify(verb)}`);
    if (ids.length === 0) throw new UsageError(`dead-letters ${verb} needs the IDs of letters`);
    if (verb === 'drop') {
      const answer = await service.dropDeadLetters({ ids });
      const partial = answer.dropped < new Set(ids).size;
      return told(DropDeadLettersResponseSchema, answer, { text: `${answer.dropped} dropped\n`, partial });
    }
    const answer = await service.replayDeadLetters({ ids });
    const failed = answer.letters.filter(({ delivered }) => !delivered).length;
    const rows = answer.letters.map(({ id, delivered, problem }) => [
      id,
      delivered ? 'delivered' : printable(problem),
    ]);
    return told(ReplayDeadLettersResponseSchema, answer, {
      text: table(['id', 'result'], rows),
      note: `${rows.length - failed} delivered, ${failed} failed`,
      partial: failed > 0,
    });
  },
};

const expel: Verb = {
  operands: 'GROUP USER',
  least: 2,
  most: 2,
  doc: 'put a member out of a group',
  async run(client, [groupId = '', userId = '']) {
    const answer = await client.of(AdminService).expelMember({ groupId, userId, clientId: randomUUID() });
    return told(ExpelMemberResponseSchema, answer, { text: `out, as entry ${answer.seq} says\n` });
  },
};

/** The verbs of `parley admin`. */
export const adminVerbs: Readonly<Record<string, Verb>> = {
  nodes,
  sessions,
  kick,
  revoke,
  owner,
  hot,
  slow,
  queues,
  leases,
  'dead-letters': deadLetters,
  group,
  expel,
  audit,
};
