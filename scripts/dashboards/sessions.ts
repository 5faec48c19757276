import { type DashboardSpec, percentiles, perSecond } from './spec.ts';

const here = '{instance=~"$instance"}';

export const sessions: DashboardSpec = {
  uid: 'parley-sessions',
  title: 'Parley: sessions and edges',
  doc: 'Connection nodes and bridges: who is there, what goes to them, who does not keep up.',
  rows: [
    {
      title: 'Connections',
      panels: [
        {
          title: 'Sessions by node',
          doc: 'They should be spread evenly.',
          unit: 'short',
          kind: 'stack',
          queries: [[`sum by (instance) (chat_connections_active${here})`, '{{instance}}']],
        },
        {
          title: 'WebSockets by dialect',
          doc: 'Open at bridges.',
          unit: 'short',
          kind: 'stack',
          queries: [[`sum by (dialect) (chat_sockets_open${here})`, '{{dialect}}']],
        },
        {
          title: 'gRPC connections',
          doc: 'Open at connection nodes; one may carry several sessions and calls.',
          unit: 'short',
          kind: 'stack',
          queries: [[`sum by (instance) (chat_grpc_connections${here})`, '{{instance}}']],
        },
        {
          title: 'WebSockets opened',
          doc: 'Many for few sessions: clients come and go, or are turned away and try again.',
          unit: 'ops',
          queries: [[perSecond(`chat_sockets_opened_total${here}`, 'instance'), '{{instance}}']],
        },
      ],
    },
    {
      title: 'Latency',
      panels: [
        {
          title: 'From send to acknowledgement',
          doc: 'Of the nodes that are chosen above.',
          unit: 's',
          width: 12,
          queries: percentiles('chat_send_latency_seconds'),
        },
        {
          title: 'From acceptance to socket',
          doc: 'Of the nodes that are chosen above.',
          unit: 's',
          width: 12,
          queries: percentiles('chat_delivery_latency_seconds'),
        },
      ],
    },
    {
      title: 'Bridges',
      panels: [
        {
          title: 'Bytes',
          doc: 'Of frames of WebSockets.',
          unit: 'Bps',
          queries: [
            [perSecond(`chat_bridge_in_bytes_total${here}`), 'in'],
            [perSecond(`chat_bridge_out_bytes_total${here}`), 'out'],
          ],
        },
        {
          title: 'Socket writes',
          doc: 'Fewer than deliveries where a busy edge writes several entries at once.',
          unit: 'wps',
          queries: [[perSecond(`chat_bridge_writes_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'HTTP',
          doc: 'Requests of REST, Connect and the page; errors are those that were refused.',
          unit: 'reqps',
          queries: [
            [perSecond(`chat_http_requests_total${here}`), 'requests'],
            [perSecond(`chat_http_errors_total${here}`), 'errors'],
          ],
        },
      ],
    },
    {
      title: 'Who does not keep up',
      panels: [
        {
          title: 'Slow consumers',
          doc: 'Sessions that went over their window, sockets that were paused, and sockets that were cut off.',
          unit: 'ops',
          queries: [
            [perSecond(`chat_slow_consumers_total${here}`), 'over their window'],
            [perSecond(`chat_bridge_pauses_total${here}`), 'paused'],
            [perSecond(`chat_bridge_slow_consumers_total${here}`), 'cut off'],
          ],
        },
        {
          title: 'Redeliveries',
          doc: 'Gaps announced again because nobody acknowledged in time.',
          unit: 'ops',
          queries: [[perSecond(`chat_redeliveries_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Turned away, not understood',
          doc: 'Handshakes refused, and frames that made no sense, by reason and dialect.',
          unit: 'ops',
          queries: [
            [perSecond(`chat_grpc_refusals_total${here}`, 'reason'), 'gRPC, {{reason}}'],
            [perSecond(`chat_bridge_refusals_total${here}`, 'reason'), '{{reason}}'],
            [perSecond(`chat_malformed_frames_total${here}`, 'dialect'), 'malformed, {{dialect}}'],
            [perSecond(`chat_bridge_frames_refused_total${here}`, 'reason'), 'frame, {{reason}}'],
          ],
        },
        {
          title: 'Read no further',
          doc: 'Times that a socket was left unread for a while because it sent too fast.',
          unit: 'ops',
          queries: [[perSecond(`chat_bridge_throttled_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Revocation',
          doc: 'Sign-ins and calls let in although the directory could not say whether their token was revoked.',
          unit: 'ops',
          queries: [[perSecond(`chat_revocations_unchecked_total${here}`, 'instance'), '{{instance}}']],
        },
      ],
    },
  ],
};
