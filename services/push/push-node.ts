import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import { decodeCommittedEvent } from '../codec/committed-event.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import type { Tracer } from '../core/tracer.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { EventConsumer, EventLog, LogEvent } from '../ports/event-log.ts';
import type { MessageStore } from '../ports/message-store.ts';
import type { Offline } from '../ports/offline.ts';
import { deviceGroup, entryGroup, offlineGroup, wantsEntries } from './consumer-groups.ts';
import { Courier, type PushConfig } from './courier.ts';
import { type DevicePushParts, DevicePushes } from './device-pushes.ts';
import type { Endpoint } from './endpoint-file.ts';
import { tellOfEntries } from './entry-notices.ts';
import { OfflineNotices } from './offline-notices.ts';

export interface PushNodeParts {
  readonly config: PushConfig;
  readonly endpoints: readonly Endpoint[];
  /** What pushes to devices are made with; undefined: there are none. */
  readonly devices?: DevicePushParts | undefined;
  readonly events: EventLog;
  readonly deadLetters: DeadLetters;
  readonly store: Pick<MessageStore, 'load'>;
  readonly offline: Offline;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

/** Events between the oldest that an endpoint has not heard of and the newest that is read for it. */
const entryWindow = 1_024;
/** The same for digests, which wait for the end of their interval; an event takes some hundred bytes. */
const offlineWindow = 65_536;

/**
 * Sends webhooks and pushes to devices. Each endpoint reads the event log for itself and at its pace: one that is slow or
 * down is late, and holds up nobody else; so do the devices, all together.
 */
export class PushNode implements Service {
  readonly name = 'push';
  readonly couriers: readonly Courier[];
  /** Undefined where no devices are pushed to. */
  readonly devices: DevicePushes | undefined;
  readonly #parts: PushNodeParts;
  readonly #notices: OfflineNotices[] = [];
  readonly #consumers = new Map<string, EventConsumer>();

  constructor(parts: PushNodeParts) {
    this.#parts = parts;
    const { config, deadLetters, clock, random, log, tracer } = parts;
    const common = { deadLetters, clock, random, log, tracer, window: offlineWindow };
    this.devices = parts.devices && new DevicePushes({ ...parts.devices, ...common });
    this.couriers = parts.endpoints.map((endpoint) => {
      const mostWaiting = entryWindow + offlineWindow;
      return new Courier({ endpoint, config, deadLetters, clock, random, log, tracer, mostWaiting });
    });
  }

  /** By group, for metrics. */
  get consumers(): ReadonlyMap<string, EventConsumer> {
    return this.#consumers;
  }

  async start(): Promise<void> {
    const { devices } = this;
    if (devices !== undefined) {
      devices.start();
      await this.#consume(deviceGroup, offlineWindow, (event) => devices.handle(event));
    }
    for (const courier of this.couriers) {
      const { endpoint } = courier;
      if (wantsEntries(endpoint)) {
        await this.#consume(entryGroup(endpoint), entryWindow, (event) => tellOfEntries(courier, event));
      }
      if (endpoint.types.has('message.offline')) {
        const { store, offline, clock, random, log, config } = this.#parts;
        const notices = new OfflineNotices({
          courier,
          store,
          offline,
          clock,
          random,
          log,
          intervalMs: config.offlineIntervalMs,
          window: offlineWindow,
        });
        this.#notices.push(notices);
        notices.start();
        await this.#consume(offlineGroup(endpoint), offlineWindow, (event) => notices.handle(event));
      }
    }
  }

  /** Gives what is under way the time that there is; the rest is sent after the next start. */
  async drain(deadlineMs: number): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.drain(deadlineMs)));
  }

  async stop(): Promise<void> {
    for (const notices of this.#notices) notices.stop();
    this.devices?.stop();
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()));
    for (const courier of this.couriers) courier.stop();
    await this.devices?.close();
  }

  async #consume(
    group: string,
    window: number,
    handle: (event: CommittedEvent) => Promise<void>,
  ): Promise<void> {
    const consumer = await this.#parts.events.consume({
      group,
      window,
      handle: async (record) => {
        const event = this.#decoded(record);
        if (event !== undefined) await handle(event);
      },
    });
    this.#consumers.set(group, consumer);
  }

  /** A record that can't be read never will be: it is passed over rather than stood in front of for ever. */
  #decoded(record: LogEvent): CommittedEvent | undefined {
    try {
      return decodeCommittedEvent(record.value);
    } catch (error) {
      const fields = { 'event.action': 'event-unreadable', 'parley.conv_id': record.convId };
      this.#parts.log.error('an event can not be read and is passed over', fields, error);
      return undefined;
    }
  }
}
