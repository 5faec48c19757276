import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ListNodesResponseSchema } from '../../gen/parley/chat/v1/cluster_pb.ts';
import type { AdminClient } from './admin-client.ts';
import { adminVerbs } from './admin-verbs.ts';
import { parseArguments } from './parse-arguments.ts';
import { adminCommand } from './admin-command.ts';

/** What a verb tells where all nodes say this. */
function tell(verb: string, answer: MessageInitShape<typeof ListNodesResponseSchema>) {
  const service = { listNodes: async () => create(ListNodesResponseSchema, answer) };
  const client = { of: () => service } as unknown as AdminClient;
  const args = parseArguments(adminCommand({}), [verb]);
  return adminVerbs[verb]?.run(client, [], args);
}

describe('what is asked of all nodes', () => {
  for (const verb of ['nodes', 'queues'])
    it(`is partial where not all are known, or do not answer: ${verb}`, async () => {
      const well = { id: 'e1' };
      const all = await tell(verb, { nodes: [well], directoryAvailable: true });
      assert.deepEqual([all?.partial, all?.note], [undefined, undefined]);
      const unknown = await tell(verb, { nodes: [well], directoryAvailable: false });
      assert.equal(unknown?.partial, true);
      assert.match(unknown?.note ?? '', /directory can not be read/);
      const hung = await tell(verb, {
        nodes: [well, { id: 'm1', problem: 'no answer' }],
        directoryAvailable: true,
      });
      assert.deepEqual([hung?.partial, hung?.note], [true, 'not reached: m1']);
    });
});
