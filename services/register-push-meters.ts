import type { LabelledValues, Meters } from './core/meters.ts';
import type { OutboxWork } from './message/relay/outbox-work.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { ConsumerMeters, EventLog } from './ports/event-log.ts';
import type { EndpointMeters } from './push/meters.ts';
import type { DevicePushes } from './push/device-pushes.ts';
import type { PushNode } from './push/push-node.ts';

interface OutboxParts {
  readonly outbox: OutboxWork;
  /** Undefined where nobody wants to hear of events. */
  readonly events: EventLog | undefined;
}

/** Gives what the relay, the adopter and the event log count its names. */
export function registerOutboxMeters(meters: Meters, { outbox, events }: OutboxParts): void {
  const { relay, adopter } = outbox;
  meters.gauge('chat_relay_lag_batches', 'Committed batches that wait to be published.', () => relay.lag);
  meters.total('chat_relay_published_total', 'Events published.', () => relay.meters.published);
  meters.total(
    'chat_relay_failures_total',
    'Publishes that failed and were tried again.',
    () => relay.meters.failed,
  );
  meters.total(
    'chat_relay_lost_total',
    'Batches whose events were never published: the outbox was full, or the log refuses them.',
    () => relay.meters.lost,
  );
  meters.gauge(
    'chat_outbox_rows',
    'Rows of the outbox that are published and stay for a while.',
    () => relay.keptRows,
  );
  meters.total(
    'chat_outbox_forced_total',
    'Rows of the outbox that went for want of room although an edge was not linked.',
    () => relay.meters.forced,
  );
  meters.gauge(
    'chat_outbox_held_rows',
    'Rows of dead nodes that are yet to be forwarded.',
    () => adopter.heldRows,
  );
  meters.total('chat_outbox_adopted_total', 'Rows taken over from dead nodes.', () => adopter.meters.adopted);
  meters.total(
    'chat_outbox_adoption_failures_total',
    'Looks for rows of dead nodes that failed.',
    () => adopter.meters.failed,
  );
  meters.gauge(
    'chat_event_log_waiting_bytes',
    'Bytes of events on their way into the log.',
    () => relay.waitingBytes + (events?.meters.waitingBytes ?? 0),
  );
  meters.total(
    'chat_event_log_dropped_total',
    'Events that went because the log was over its limit, delivered or not.',
    () => events?.meters.dropped ?? 0,
  );
}

/** By provider: what attempts came to, and what was never sent. */
function devicePushes({ providers, courier }: DevicePushes): LabelledValues {
  return [...providers.meters].flatMap(([provider, { sent, gone, retry, rejected }]) =>
    Object.entries({
      sent,
      gone,
      retry,
      rejected,
      replaced: courier.replaced.get(provider) ?? 0,
      withdrawn: courier.withdrawn.get(provider) ?? 0,
      dead_letter: courier.deadLettered.get(provider) ?? 0,
    }).map(([result, value]) => [{ provider, endpoint: 'devices', result }, value] as const),
  );
}

interface PushParts {
  readonly push: PushNode;
  readonly deadLetters: DeadLetters;
}

/** Gives what the consumers of the event log and the webhooks count its names. */
export function registerPushMeters(meters: Meters, { push, deadLetters }: PushParts): void {
  const byGroup = (value: (of: ConsumerMeters) => number) => (): LabelledValues =>
    [...push.consumers].map(([group, consumer]) => [{ group }, value(consumer.meters)] as const);
  meters.gauge(
    'chat_event_log_lag',
    'Events that a consumer is not done with.',
    byGroup(({ lag }) => lag),
    'group',
  );
  meters.total(
    'chat_event_log_skipped_total',
    'Events that a consumer never saw, because the log had dropped them.',
    byGroup(({ skipped }) => skipped),
    'group',
  );
  const results: readonly (readonly [string, (of: EndpointMeters) => number])[] = [
    ['delivered', ({ delivered }) => delivered],
    ['attempt_failed', ({ failedAttempts }) => failedAttempts],
    ['dead_letter', ({ deadLetters: count }) => count],
  ];
  const { devices } = push;
  meters.total(
    'chat_push_total',
    'What became of pushes.',
    () => [
      ...push.couriers.flatMap((courier) =>
        results.map(([result, value]) => {
          const labels = { provider: 'webhook', endpoint: courier.endpoint.name, result };
          return [labels, value(courier.meters)] as const;
        }),
      ),
      ...(devices === undefined ? [] : devicePushes(devices)),
    ],
    'provider',
    'endpoint',
    'result',
  );
  meters.gauge(
    'chat_push_under_way',
    'Pushes being sent, or that wait for their next attempt.',
    () => [
      ...push.couriers.map(
        (courier) => [{ endpoint: courier.endpoint.name }, courier.meters.underWay] as const,
      ),
      ...(devices === undefined ? [] : [[{ endpoint: 'devices' }, devices.courier.underWay] as const]),
    ],
    'endpoint',
  );
  if (devices !== undefined) {
    meters.gauge(
      'chat_push_intervals',
      'Conversations and intervals that are gathered for devices, or under way.',
      () => devices.notices.size,
    );
    meters.total(
      'chat_push_expired_total',
      'Intervals, and single pushes that had waited, that were too old to be pushed when their turn came.',
      () => devices.notices.expired,
    );
  }
  meters.total(
    'chat_dead_letters_dropped_total',
    'Dead letters that went because there were too many.',
    () => {
      return deadLetters.dropped;
    },
  );
}
