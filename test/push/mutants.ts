import type { Mutant } from '../mutants.ts';

const relay = ['services/message/relay/relay-queue.test.ts', 'services/message/relay/relay.test.ts'];
const local = ['services/adapters/local/local-event-log.test.ts'];
const courier = ['services/push/courier.test.ts'];

/** Ways to break the event log, the relay and webhooks. */
export const pushMutants: readonly Mutant[] = [
  {
    invariant: 'I5',
    how: 'relay stops reading the outbox although more was committed meanwhile',
    file: 'services/message/relay/relay-queue.ts',
    from: '      this.#behind = this.#missed;',
    to: '      this.#behind = false;',
    tests: relay,
  },
  {
    invariant: 'I2',
    how: 'relay reads on in the outbox past rows that appear late',
    file: 'services/message/relay/relay-queue.ts',
    from: 'rows.filter(({ batchId }) => batchId <= this.#until)',
    to: 'rows.filter(({ batchId }) => batchId > 0n)',
    tests: relay,
  },
  {
    invariant: 'I5',
    how: 'relay publishes again what it finds in the outbox',
    file: 'services/message/relay/relay-queue.ts',
    from: '      if (this.#published.has(row.batchId)) continue;',
    to: '',
    tests: relay,
  },
  {
    invariant: 'I5',
    how: 'relay publishes from memory while older rows wait in the outbox',
    file: 'services/message/relay/relay-queue.ts',
    from: `      this.#missed = true;
      return;
    }
    if`,
    to: `      this.#missed = true;
    }
    if`,
    tests: relay,
  },
  {
    invariant: 'I5',
    how: 'relay forgets what could not be published',
    file: 'services/message/relay/relay.ts',
    from: '      if (!(error instanceof EventLogError) || error.retryable) throw error;',
    to: '',
    tests: relay,
  },
  {
    invariant: 'I5',
    how: 'adopter removes before it publishes',
    file: 'services/message/relay/adopter.ts',
    from: '      await events.publish(own',
    to: `      await rows.remove(incarnation, own.map(({ batchId }) => batchId));
      await events.publish(own`,
    tests: relay,
  },
  {
    invariant: 'I5',
    how: 'a group is said to be where it was handed something, not where that is done',
    file: 'services/core/hand-over.ts',
    from: '    this.#slots.push(slot);\n    this.#next = position + 1;',
    to: '    this.#slots.push(slot);\n    this.#next = position + 1;\n    this.#mark = position + 1;',
    tests: ['services/core/hand-over.test.ts', ...local],
  },
  {
    invariant: 'I5',
    how: 'what a handler rejects counts as done',
    file: 'services/core/hand-over.ts',
    from: '          failed(error);',
    to: '          failed(error);\n          if (attempt === 0) return this.#done(slot);',
    tests: ['services/core/hand-over.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'half a record at the end of a segment is taken for one',
    file: 'services/adapters/local/segments.ts',
    from: '      if ((await stat(path)).size > whole.bytes) await truncate(path, whole.bytes);',
    to: '',
    tests: local,
  },
  {
    invariant: 'I5',
    how: 'records are not checked',
    file: 'services/adapters/local/record.ts',
    from: "  if (crc32(payload) !== buffer.readUInt32BE(at + 4)) return { t: 'broken' };",
    to: '',
    tests: local,
  },
  {
    invariant: 'I5',
    how: 'a segment goes although a group has not read it',
    file: 'services/adapters/local/local-event-log.ts',
    from: '      if (unread && this.#bytes <= this.#init.limitBytes) break;',
    to: '      if (this.#bytes <= 0) break;',
    tests: local,
  },
  {
    invariant: 'I6',
    how: 'an event log without end',
    file: 'services/adapters/local/local-event-log.ts',
    from: '      if (unread && this.#bytes <= this.#init.limitBytes) break;',
    to: '      if (unread) break;',
    tests: local,
  },
  {
    invariant: 'I6',
    how: 'a hand-over without a window',
    file: 'services/core/hand-over.ts',
    from: ' || this.#size >= this.#init.window',
    to: '',
    tests: local,
  },
  {
    invariant: 'I6',
    how: 'a relay without end',
    file: 'services/message/relay/relay-queue.ts',
    from: '    if (this.#bytes + batch.bytes <= this.#limits.queueBytes) {',
    to: '    if (this.#bytes >= 0) {',
    tests: ['services/message/relay/relay-queue.test.ts'],
  },
  {
    invariant: 'I6',
    how: 'requests without end',
    file: 'services/push/courier.ts',
    from: '    const { url, ca, inFlight } = init.endpoint;',
    to: '    const { url, ca } = init.endpoint;\n    const inFlight = 1_000;',
    tests: courier,
  },
  {
    invariant: 'I2',
    how: 'what is told of a conversation overtakes',
    file: 'services/push/courier.ts',
    from: '    await before;\n',
    to: '',
    tests: courier,
  },
  {
    invariant: 'I3',
    how: 'a webhook that is sent again has another id',
    file: 'services/push/webhook.ts',
    from: 'const named = JSON.stringify([endpoint,',
    to: 'const named = JSON.stringify([Math.random(), endpoint,',
    tests: ['services/push/webhook.test.ts', 'services/push/push-node.test.ts'],
  },
  {
    invariant: 'I7',
    how: 'the signature leaves the time out',
    file: 'services/push/signature.ts',
    from: '${id}.${timestampS}.${body}',
    to: '${id}.${body}',
    tests: ['services/push/signature.test.ts'],
  },
  {
    invariant: 'I8',
    how: 'the event log is told what a message says',
    file: 'services/message/committed-entries.ts',
    from: '    sender: entry.sender,',
    to: '    sender: entry.sender + entry.content,',
    tests: ['services/message/committed-entries.test.ts'],
  },
];
