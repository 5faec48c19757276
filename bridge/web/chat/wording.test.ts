import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { MessageBodySchema, Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { LogContent, LogItem } from '../../../sdk/types.ts';
import { lastLine, listNames, noticeText, typingText } from './wording.ts';

const item = (content: LogContent, sender = 'ann'): LogItem => ({
  seq: 1,
  msgId: '1',
  sender,
  createdAtMs: 0,
  revision: 0,
  clientId: '',
  content,
  status: undefined,
});

test('names are listed as far as anybody reads', () => {
  assert.equal(listNames(['ann'], 'bob'), 'ann');
  assert.equal(listNames(['ann', 'bob'], 'bob'), 'ann and you');
  assert.equal(listNames(['a', 'b', 'c'], ''), 'a, b and c');
  assert.equal(listNames(['a', 'b', 'c', 'd', 'e'], ''), 'a, b and 3 more');
});

test('notices are sentences about who did what', () => {
  const cases: [LogContent, string][] = [
    [{ t: 'groupCreated', name: 'Crew', members: ['ann'] }, 'ann created the group “Crew”'],
    [{ t: 'membersAdded', users: ['ann'] }, 'ann joined'],
    [{ t: 'membersAdded', users: ['me', 'bob'] }, 'ann added you and bob'],
    [{ t: 'memberRemoved', user: 'me', left: false }, 'ann removed you'],
    [{ t: 'memberRemoved', user: 'ann', left: true }, 'ann left'],
    [{ t: 'roleChanged', user: 'me', role: Role.ADMIN }, 'ann made you an admin'],
  ];
  for (const [content, text] of cases) assert.equal(noticeText(item(content), 'me'), text);
});

test('the list says who wrote, where it is not plain', () => {
  const text = item({
    t: 'message',
    body: create(MessageBodySchema, { content: { case: 'text', value: 'hi' } }),
  });
  assert.equal(lastLine(text, 'me', true), 'hi');
  assert.equal(lastLine(text, 'me', false), 'ann: hi');
  assert.equal(lastLine(text, 'ann', false), 'You: hi');
  assert.equal(lastLine(item({ t: 'recalled', by: 'ann' }), 'me', false), 'ann: Message recalled');
});

test('typing names up to three', () => {
  assert.equal(typingText([], false), '');
  assert.equal(typingText(['ann'], true), 'typing…');
  assert.equal(typingText(['ann', 'bob'], false), 'ann and bob are typing…');
  assert.equal(typingText(['a', 'b', 'c', 'd'], false), 'Several people are typing…');
});
