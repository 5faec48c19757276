import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogContent, LogItem } from '../sdk/types.ts';
import { describeItem } from './chat-lines.ts';

const item = (sender: string, content: LogContent): LogItem => ({
  seq: 1,
  msgId: '1',
  sender,
  createdAtMs: 0,
  revision: 0,
  clientId: '',
  content,
  status: undefined,
});

test('nobody is said to have added himself, or to have made a group with himself', () => {
  const made = (...members: string[]): LogContent => ({ t: 'groupCreated', name: 'Garden', members });
  const added = (...users: string[]): LogContent => ({ t: 'membersAdded', users });
  for (const [sender, content, line] of [
    ['ann', made('ann'), '* you created the group Garden'],
    ['ann', made('ann', 'bob'), '* you created the group Garden with bob'],
    ['bob', made('bob', 'ann'), '* bob created the group Garden with you'],
    ['ann', added('ann'), '* you joined'],
    ['bob', added('bob'), '* bob joined'],
    ['bob', added('ann', 'cyd'), '* bob added you, cyd'],
  ] as const)
    assert.equal(describeItem(item(sender, content), 'ann'), line);
});
