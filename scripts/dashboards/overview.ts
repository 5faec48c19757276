import { type DashboardSpec, percentiles, perSecond } from './spec.ts';

export const overview: DashboardSpec = {
  uid: 'parley-overview',
  title: 'Parley: overview',
  doc: 'Whether users are served, and how well. Look here first.',
  rows: [
    {
      title: 'Promises',
      panels: [
        {
          title: 'Sends acknowledged',
          doc: 'Of the sends of clients that do nothing wrong, in the last hour. Promised: 99.9 % in 30 days.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [['1 - parley:sends_failed:ratio_rate1h', '']],
        },
        {
          title: 'Acknowledged within 200 ms',
          doc: 'Of the acknowledged sends, in the last hour. Promised: 99 % in 30 days.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [['1 - parley:sends_slow:ratio_rate1h', '']],
        },
        {
          title: 'Delivered within 200 ms',
          doc: 'Of the entries handed to sockets, in the last hour. Promised: 99 % in 30 days.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [['1 - parley:deliveries_slow:ratio_rate1h', '']],
        },
        {
          title: 'Connections',
          doc: 'Open sessions, by all doors of all nodes.',
          unit: 'short',
          kind: 'stat',
          queries: [['sum(chat_connections_active)', '']],
        },
        {
          title: 'Nodes up',
          doc: 'Processes that answer on their metrics port.',
          unit: 'none',
          kind: 'stat',
          queries: [['sum(up{job="parley"})', '']],
        },
        {
          title: 'Alerts firing',
          doc: 'The watchdog, which always fires, is not among them.',
          unit: 'none',
          kind: 'stat',
          queries: [['count(ALERTS{alertstate="firing", alertname!="ParleyWatchdog"}) or vector(0)', '']],
        },
      ],
    },
    {
      title: 'Traffic',
      panels: [
        {
          title: 'Messages',
          doc: 'Commands that message nodes carried out, each second. "send" is messages.',
          unit: 'ops',
          queries: [[perSecond('chat_messages_processed_total', 'type'), '{{type}}']],
        },
        {
          title: 'Sends by outcome',
          doc: 'refused: the client did something wrong. failed: the server did, and this costs the budget.',
          unit: 'ops',
          queries: [[perSecond('chat_sends_total', 'result'), '{{result}}']],
        },
        {
          title: 'Deliveries',
          doc: 'Entries handed to sessions each second, each session counted for itself.',
          unit: 'ops',
          queries: [[perSecond('chat_deliveries_total'), 'deliveries']],
        },
        {
          title: 'Connections',
          doc: 'Open sessions by the door that they came by.',
          unit: 'short',
          kind: 'stack',
          queries: [['sum by (transport) (chat_connections_active)', '{{transport}}']],
        },
        {
          title: 'From send to acknowledgement',
          doc: 'As a connection node sees it: from the command to its answer, which comes after the commit.',
          unit: 's',
          queries: percentiles('chat_send_latency_seconds'),
        },
        {
          title: 'From acceptance to socket',
          doc: 'From the acceptance of an entry by its owner until it was handed to the sockets of an edge.',
          unit: 's',
          queries: percentiles('chat_delivery_latency_seconds'),
        },
      ],
    },
    {
      title: 'Trouble',
      panels: [
        {
          title: 'Commands refused',
          doc: 'By reason: docs/errors.md says what each one means.',
          unit: 'ops',
          queries: [[perSecond('chat_commands_refused_total', 'reason'), '{{reason}}']],
        },
        {
          title: 'Sessions closed by the server',
          doc: 'By reason.',
          unit: 'ops',
          queries: [[perSecond('chat_sessions_closed_total', 'reason'), '{{reason}}']],
        },
        {
          title: 'Nodes by role',
          doc: 'Each role wants two at least, so that one may go.',
          unit: 'none',
          queries: [['count by (role) (chat_node_role)', '{{role}}']],
        },
      ],
    },
  ],
};
