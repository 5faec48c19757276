import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  type CommittedEvent,
  CommittedEventSchema,
  CommittedKind,
} from '../../gen/parley/node/v1/event_log_pb.ts';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { Courier } from './courier.ts';
import { tellOfEntries } from './entry-notices.ts';
import { secretKey } from './signature.ts';
import { Letters } from './testing/letters.ts';
import { Receiver } from './testing/receiver.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function courierTo(url: string) {
  const types = new Set(['message.created'] as const);
  const courier = new Courier({
    endpoint: {
      name: 'app',
      url: new URL(url),
      keys: [secretKey(secret)],
      types,
      inFlight: 4,
      ca: undefined,
    },
    config: { attempts: 1, firstRetryMs: 10, maxRetryMs: 20, timeoutMs: 5_000 },
    deadLetters: new Letters(),
    clock: systemClock,
    random: () => 0,
    log: silentLogger,
    mostWaiting: 100,
  });
  return { courier, [Symbol.dispose]: () => courier.stop() };
}

/** An event of the conversation `g` with these entries. */
function committed(kind: CommittedKind, ...seqs: readonly number[]): CommittedEvent {
  return create(CommittedEventSchema, {
    convId: 'g',
    entries: seqs.map((seq) => ({
      seq: BigInt(seq),
      msgId: BigInt(seq),
      kind,
      sender: 'ann',
      createdAtMs: 1n,
    })),
  });
}

describe('notices of entries', () => {
  it('are told in order, whatever events they come in', async () => {
    await using receiver = await Receiver.open();
    using to = courierTo(receiver.url());
    const events = [[1, 2], [3, 4], [5]].map((seqs) => committed(CommittedKind.MESSAGE, ...seqs));
    await Promise.all(events.map((event) => tellOfEntries(to.courier, event)));
    assert.deepEqual(
      receiver.received.map(({ data }) => data['seq']),
      [1, 2, 3, 4, 5],
    );
  });

  it('wait for nobody where the endpoint wants none of them', async () => {
    await using receiver = await Receiver.open(() => {});
    using to = courierTo(receiver.url());
    const hanging = assert.rejects(
      tellOfEntries(to.courier, committed(CommittedKind.MESSAGE, 1)),
      /stopping/,
    );
    await tellOfEntries(to.courier, committed(CommittedKind.RECALL, 2));
    to.courier.stop();
    await hanging;
  });
});
