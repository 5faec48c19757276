import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConversationKind, Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { ConversationSummary } from '../../../sdk/types.ts';
import { findOptions } from './find-options.ts';

const conversation = (
  title: string,
  kind: ConversationKind = ConversationKind.GROUP,
): ConversationSummary => ({
  convId: `id-${title}`,
  kind,
  peer: kind === ConversationKind.DIRECT ? title : '',
  title,
  role: Role.MEMBER,
  memberCount: 2,
  headSeq: 1,
  unread: 0,
  readSeq: 1,
  last: undefined,
  typing: [],
  left: false,
});

const all = [conversation('Team lobby'), conversation('Lobby'), conversation('bob', ConversationKind.DIRECT)];
const labels = (typed: string) =>
  findOptions(all, typed).map((option) => (option.t === 'user' ? `+${option.userId}` : option.summary.title));

test('nothing typed: everything, as listed', () => {
  assert.deepEqual(labels(''), ['Team lobby', 'Lobby', 'bob']);
});

test('titles that begin with what is typed come first; somebody new comes last', () => {
  assert.deepEqual(labels(' LOB '), ['Lobby', 'Team lobby', '+LOB']);
  assert.deepEqual(labels('carol'), ['+carol']);
});

test('whom one writes with already is not offered anew, but a group of that name is nobody', () => {
  assert.deepEqual(labels('bob'), ['bob']);
  assert.deepEqual(labels('Lobby'), ['Lobby', 'Team lobby', '+Lobby']);
});

test('what can be nobody’s name starts nothing', () => {
  assert.deepEqual(labels('x'.repeat(65)), []);
});
