import { type DashboardSpec, perSecond } from './spec.ts';

const here = '{instance=~"$instance"}';

export const links: DashboardSpec = {
  uid: 'parley-links',
  title: 'Parley: links and directory',
  doc: 'What nodes say to each other: links (owner: edge to message node, group: message to group node, peer: between message nodes) and Redis.',
  rows: [
    {
      title: 'Links',
      panels: [
        {
          title: 'Open links',
          doc: 'Each link has two ends, and is counted at both.',
          unit: 'none',
          kind: 'stack',
          queries: [[`sum by (link) (chat_links_open${here})`, '{{link}}']],
        },
        {
          title: 'Bytes sent',
          doc: 'By kind of link.',
          unit: 'Bps',
          queries: [[perSecond(`chat_link_out_bytes_total${here}`, 'link'), '{{link}}']],
        },
        {
          title: 'Bytes received',
          doc: 'By kind of link.',
          unit: 'Bps',
          queries: [[perSecond(`chat_link_in_bytes_total${here}`, 'link'), '{{link}}']],
        },
        {
          title: 'Frames sent',
          doc: 'By kind of link.',
          unit: 'ops',
          queries: [[perSecond(`chat_link_frames_out_total${here}`, 'link'), '{{link}}']],
        },
        {
          title: 'Frames in a message',
          doc: 'The mean: a busy link sends many at once.',
          unit: 'short',
          queries: [
            [
              `${perSecond(`chat_link_frames_out_total${here}`, 'link')} / ${perSecond(`chat_link_messages_out_total${here}`, 'link')}`,
              '{{link}}',
            ],
          ],
        },
        {
          title: 'Send queues',
          doc: 'Bytes that wait to be sent on: for a commit, on a link, to a socket.',
          unit: 'bytes',
          queries: [[`sum by (hop) (chat_send_queue_bytes${here})`, '{{hop}}']],
        },
        {
          title: 'Link troubles',
          doc: 'Links that went down, and frames that found their queue full: then the link is closed and starts over.',
          unit: 'ops',
          queries: [
            [perSecond(`chat_links_lost_total${here}`, 'link'), 'lost, {{link}}'],
            [perSecond(`chat_link_full_total${here}`, 'link'), 'full, {{link}}'],
          ],
        },
      ],
    },
    {
      title: 'Directory',
      panels: [
        {
          title: 'Redis within reach',
          doc: 'No message depends on it.',
          unit: 'none',
          max: 1,
          queries: [[`min by (instance) (chat_directory_available${here})`, '{{instance}}']],
        },
        {
          title: 'Commands to Redis',
          doc: 'By node.',
          unit: 'ops',
          queries: [[perSecond(`chat_directory_commands_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Commands that wait for Redis',
          doc: 'At most PARLEY_REDIS_MAX_PENDING.',
          unit: 'short',
          queries: [[`sum by (instance) (chat_directory_pending${here})`, '{{instance}}']],
        },
        {
          title: 'Directory troubles',
          doc: 'Commands that failed, by reason; sessions that Redis could not be told of; limits that were let pass.',
          unit: 'ops',
          queries: [
            [perSecond(`chat_directory_failures_total${here}`, 'reason'), '{{reason}}'],
            [perSecond(`chat_session_announcements_failed_total${here}`), 'sessions not announced'],
            [perSecond(`chat_directory_rates_unchecked_total${here}`), 'limits not checked'],
          ],
        },
      ],
    },
  ],
};
