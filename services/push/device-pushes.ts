import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Tracer } from '../core/tracer.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { Devices } from '../ports/devices.ts';
import type { MessageStore } from '../ports/message-store.ts';
import type { SessionAcks } from '../ports/session-acks.ts';
import { DeviceNotices } from './device-notices.ts';
import type { DevicePushConfig } from './device-options.ts';
import { NoticeCourier } from './notice-courier.ts';
import { NoticeWriter } from './notice-writer.ts';
import type { PushProviders } from './push-providers.ts';

/** What pushes to devices are made with. */
export interface DevicePushParts {
  readonly config: DevicePushConfig;
  readonly providers: PushProviders;
  readonly devices: Devices;
  readonly acks: SessionAcks;
  readonly store: Pick<MessageStore, 'load' | 'range' | 'cursors' | 'memberships'>;
}

export interface DevicePushesInit extends DevicePushParts {
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly tracer?: Tracer | undefined;
  /** Events that may be gathered, at most: the consumer's window. */
  readonly window: number;
}

/** Notices that may be under way for each provider, at most; one takes about a kilobyte. */
const mostUnderWay = 10_000;
/** Attempts at once, at most: fewer than FCM and APNs let wait, since what one has no room for counts as tried. */
const attemptsAtOnce = 1_000;
/** The same at each host of Web Push: an eighth of what it takes of all, so that some that hang leave room. */
const attemptsAtHost = 128;

/** Pushes to devices: who is to be told, what, and how it gets there. */
export class DevicePushes {
  readonly providers: PushProviders;
  readonly courier: NoticeCourier;
  readonly notices: DeviceNotices;

  constructor(init: DevicePushesInit) {
    const { config, providers, store, deadLetters, clock, random, log } = init;
    this.providers = providers;
    this.courier = new NoticeCourier({
      providers,
      config,
      deadLetters,
      clock,
      random,
      log,
      mostWaiting: mostUnderWay,
      atOnce: attemptsAtOnce,
      atHost: attemptsAtHost,
    });
    const writer = new NoticeWriter({ store, clock, content: config.content });
    this.notices = new DeviceNotices({ ...init, writer, courier: this.courier });
  }

  start(): void {
    this.notices.start();
  }

  handle(event: CommittedEvent): Promise<void> {
    return this.notices.handle(event);
  }

  /** Cuts off what is under way: it is pushed after the next start. */
  stop(): void {
    this.notices.stop();
    this.courier.stop();
  }

  async close(): Promise<void> {
    await this.providers.close();
  }
}
