import { type DashboardSpec, perSecond } from './spec.ts';

const here = '{instance=~"$instance"}';

export const store: DashboardSpec = {
  uid: 'parley-store',
  title: 'Parley: message nodes and store',
  doc: 'Owners of conversations, their commits, and what they know of their ids.',
  rows: [
    {
      title: 'Commits',
      panels: [
        {
          title: 'Entries committed',
          doc: 'By node: conversations should be spread evenly.',
          unit: 'wps',
          kind: 'stack',
          queries: [[perSecond(`chat_entries_committed_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Entries in a commit',
          doc: 'The mean. It grows with the load: that is how one disk write serves many.',
          unit: 'short',
          queries: [
            [
              `${perSecond(`chat_commit_batch_entries_sum${here}`, 'instance')} / ${perSecond(`chat_commit_batch_entries_count${here}`, 'instance')}`,
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Commits',
          doc: 'Batches each second.',
          unit: 'wps',
          queries: [[perSecond(`chat_commit_batch_entries_count${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Takes commits',
          doc: '0 while the store of a node refuses them.',
          unit: 'none',
          max: 1,
          queries: [[`min by (instance) (chat_store_accepting${here})`, '{{instance}}']],
        },
        {
          title: 'Calls in hand',
          doc: 'Reads and writes that the store has in hand, or that wait for it.',
          unit: 'short',
          queries: [[`sum by (kind) (chat_store_calls${here})`, '{{kind}}']],
        },
        {
          title: 'Store troubles',
          doc: 'Calls refused because a queue was full, writes that failed, and times that the store turned out to be restored.',
          unit: 'ops',
          queries: [
            [perSecond(`chat_store_overloads_total${here}`), 'refused'],
            [perSecond(`chat_store_failed_writes_total${here}`), 'failed writes'],
            [perSecond(`chat_store_resets_total${here}`), 'restored'],
          ],
        },
      ],
    },
    {
      title: 'Owners',
      panels: [
        {
          title: 'Conversations in memory',
          doc: 'They are let go of by themselves.',
          unit: 'short',
          queries: [[`sum by (instance) (chat_conversations_hot${here})`, '{{instance}}']],
        },
        {
          title: 'Commands that wait for a commit',
          doc: 'Bytes, by node.',
          unit: 'bytes',
          queries: [
            [
              'sum by (instance) (chat_send_queue_bytes{hop="commit", instance=~"$instance"})',
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Writes lost to another owner',
          doc: 'The fence: some whenever a conversation moves, many while two nodes believe to be the owner.',
          unit: 'ops',
          queries: [[perSecond(`chat_fence_lost_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Handed on',
          doc: 'Commands that came to a message node that is not the owner: nodes do not agree, or somebody joins.',
          unit: 'ops',
          queries: [[perSecond(`chat_commands_handed_on_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Id lease',
          doc: 'How long ids can be drawn without a word of the store. At 0 sends are refused.',
          unit: 's',
          queries: [[`min by (instance) (chat_worker_lease_seconds${here})`, '{{instance}}']],
        },
        {
          title: 'Lease troubles',
          doc: 'Renewals of the id lease that failed.',
          unit: 'ops',
          queries: [[perSecond(`chat_worker_lease_failures_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Changes of groups',
          doc: 'Decided by group nodes, by kind.',
          unit: 'ops',
          queries: [[perSecond(`chat_group_decisions_total${here}`, 'change'), '{{change}}']],
        },
        {
          title: 'Pages shared through Redis',
          doc: 'Hits and misses of the cache of history pages; dropped ones were not put into it.',
          unit: 'ops',
          queries: [[perSecond(`chat_directory_pages_total${here}`, 'result'), '{{result}}']],
        },
      ],
    },
  ],
};
