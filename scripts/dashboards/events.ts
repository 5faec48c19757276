import { type DashboardSpec, perSecond } from './spec.ts';

const here = '{instance=~"$instance"}';

export const events: DashboardSpec = {
  uid: 'parley-events',
  title: 'Parley: event log and push',
  doc: 'What becomes of a message after its commit: outbox, event log, webhooks and pushes. None of it holds up chat.',
  rows: [
    {
      title: 'Outbox and event log',
      panels: [
        {
          title: 'Events published',
          doc: 'By message node.',
          unit: 'ops',
          kind: 'stack',
          queries: [[perSecond(`chat_relay_published_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Batches that wait to be published',
          doc: 'Grows while the event log can’t be reached; the outbox keeps 100,000 a node.',
          unit: 'short',
          queries: [[`sum by (instance) (chat_relay_lag_batches${here})`, '{{instance}}']],
        },
        {
          title: 'Rows of the outbox',
          doc: 'kept: published, and there for a few seconds yet. held: left by dead nodes, yet to be forwarded.',
          unit: 'short',
          queries: [
            [`sum(chat_outbox_rows${here})`, 'kept'],
            [`sum(chat_outbox_held_rows${here})`, 'held'],
          ],
        },
        {
          title: 'Taken over from dead nodes',
          doc: 'Rows of the outbox that others published and forwarded.',
          unit: 'ops',
          queries: [[perSecond(`chat_outbox_adopted_total${here}`, 'instance'), '{{instance}}']],
        },
        {
          title: 'Publishing troubles',
          doc: 'failed is tried again. lost is lost to push and webhooks; messages are not.',
          unit: 'ops',
          queries: [
            [perSecond(`chat_relay_failures_total${here}`), 'failed'],
            [perSecond(`chat_relay_lost_total${here}`), 'lost'],
            [perSecond(`chat_outbox_adoption_failures_total${here}`), 'adoption failed'],
          ],
        },
        {
          title: 'Arrears of consumers',
          doc: 'Events that each consumer is not done with.',
          unit: 'short',
          queries: [[`sum by (group) (chat_event_log_lag${here})`, '{{group}}']],
        },
      ],
    },
    {
      title: 'Push',
      panels: [
        {
          title: 'Delivered',
          doc: 'Pushes and webhooks that were taken, by provider.',
          unit: 'ops',
          queries: [
            [
              perSecond('chat_push_total{result=~"delivered|sent", instance=~"$instance"}', 'provider'),
              '{{provider}}',
            ],
          ],
        },
        {
          title: 'Push troubles',
          doc: 'Attempts that failed are made again; dead letters were given up, and kept; devices that are gone are forgotten.',
          unit: 'ops',
          queries: [
            [
              perSecond(
                'chat_push_total{result!~"delivered|sent|replaced|withdrawn", instance=~"$instance"}',
                'provider, result',
              ),
              '{{provider}}, {{result}}',
            ],
          ],
        },
        {
          title: 'Under way',
          doc: 'Being sent, or waiting for their next attempt.',
          unit: 'short',
          queries: [[`sum by (endpoint) (chat_push_under_way${here})`, '{{endpoint}}']],
        },
      ],
    },
  ],
};
