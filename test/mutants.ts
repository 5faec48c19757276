import { restoreMutants } from './archive/mutants.ts';
import { backupMutants } from './backup/mutants.ts';
import { pushMutants } from './push/mutants.ts';
import { providerMutants } from './push/provider-mutants.ts';
import { directoryMutants } from './mutants-directory.ts';

/** One way to break an invariant on purpose: in a file, `from` becomes `to`; then one of the tests must fail. */
export interface Mutant {
  readonly invariant: string;
  readonly how: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly tests: readonly string[];
}

/** See docs/invariants.md; `node scripts/mutants.ts` carries them out, on a copy. */
export const mutants: readonly Mutant[] = [
  {
    invariant: 'I1',
    how: 'settle before commit',
    file: 'services/message/batch.ts',
    from: `    if (writing.length === 0) return;
    let outcomes`,
    to: `    if (writing.length === 0) return;
    for (const { evaluation } of writing) this.#settle(evaluation);
    let outcomes`,
    tests: ['test/nodes/order.test.ts'],
  },
  {
    invariant: 'I1',
    how: 'fan-out before commit',
    file: 'services/message/batch.ts',
    from: `    if (writing.length === 0) return;
    let outcomes`,
    to: `    if (writing.length === 0) return;
    for (const { evaluation } of writing) this.#committed(evaluation, 0);
    let outcomes`,
    tests: ['test/nodes/order.test.ts', 'test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'numbers of a failed batch are used up',
    file: 'services/message/draft.ts',
    from: `    this.entries.push(entry);
    return entry;`,
    to: `    this.entries.push(entry);
    this.base.head = { seq: this.#seq, ord: this.#ord, msgId };
    return entry;`,
    tests: ['test/nodes/interleavings.test.ts', 'services/message/evaluate.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'owner takes what follows a send for which no id was to be had in the same batch',
    file: 'services/message/evaluate.ts',
    from: "    if (error.spec.retry !== 'never' && submission.chain !== undefined) throw error;",
    to: '',
    tests: ['services/message/evaluate.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'session passes sends behind a refused one',
    file: 'services/connection/chain.ts',
    from: '    if (first.clientId !== clientId) return undefined;',
    to: '    if (first.clientId !== clientId) return this.#pass(clientId, this.#places++);',
    tests: ['services/connection/chain.test.ts', 'test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'session gives no place to what it refuses itself',
    file: 'services/connection/chain.ts',
    from: `    this.#keep(clientId, this.#places++, byServer);
    return true;`,
    to: '    return true;',
    tests: ['services/connection/chain.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'number does not rise',
    file: 'services/connection/chain.ts',
    from: `    this.#number = this.#draw();
    this.#closed = false;`,
    to: '    this.#closed = false;',
    tests: ['services/connection/chain.test.ts', 'test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'owner takes what follows a refused send',
    file: 'services/message/batch.ts',
    from: '      if (chain?.refused.refuses(convId, chain.number) !== true) return true;',
    to: '      if (chain !== undefined || chain === undefined) return true;',
    tests: ['test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'halves go on behind what went back',
    file: 'services/message/batch.ts',
    from: '    if (this.#returned.some(({ convId }) => convId === conversation.convId)) {',
    to: '    if (this.#returned.some(({ convId }) => convId !== convId)) {',
    tests: ['test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I2',
    how: 'edge forwards what comes early',
    file: 'services/connection/forward-order.ts',
    from: '    if (entry.seq > this.#last + 1) {',
    to: '    if (entry.seq > this.#last + 9) {',
    tests: ['services/connection/forward-order.test.ts', 'services/connection/pushes.test.ts'],
  },
  {
    invariant: 'I3',
    how: 'no look at the same batch',
    file: 'services/message/evaluate.ts',
    from: '  if (first !== undefined) return { ...first.settlement, duplicate: true };',
    to: '',
    tests: ['services/message/evaluate.test.ts', 'test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I3',
    how: 'a change of a group is answered by what another command with its client id made',
    file: 'services/message/owner.ts',
    from: "      if (!isMadeBy(change, found.kind)) return { t: 'refused', fault: reusedFault() };",
    to: '',
    tests: ['test/nodes/robustness.test.ts'],
  },
  {
    invariant: 'I3',
    how: 'what the store knows is not taken',
    file: 'services/message/batch.ts',
    from: 'submission.known ??= known.get(submission.clientKey);',
    to: 'known.get(submission.clientKey);',
    tests: ['test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I3',
    how: 'refused without a look for an earlier result',
    file: 'services/message/judge.ts',
    from: 'of part) submission.known = known.get(submission.clientKey as ClientKey);',
    to: 'of part) known.get(submission.clientKey as ClientKey);',
    tests: ['test/nodes/interleavings.test.ts'],
  },
  {
    invariant: 'I3',
    how: 'an unknown outcome counts as failed',
    file: 'services/message/write-batch.ts',
    from: '      if (!doubtful || !passing) throw error;',
    to: '      throw error;',
    tests: [
      'services/message/write-batch.test.ts',
      'test/nodes/interleavings.test.ts',
      'test/nodes/simulation.test.ts',
    ],
  },
  {
    invariant: 'I4',
    how: 'the loser keeps its rules',
    file: 'services/message/conversation.ts',
    from: '    this.members = PairMap.of(snapshot.members.map((row) => [row.userId, row]));',
    to: '    if (this.members.size === 0) this.members = PairMap.of(snapshot.members.map((row) => [row.userId, row]));',
    tests: ['test/nodes/two-owners.test.ts', 'test/nodes/simulation.test.ts'],
  },
  {
    invariant: 'I4',
    how: 'the loser answers and forwards what it lost',
    file: 'services/message/batch.ts',
    from: `      if (outcome.t === 'committed') {`,
    to: `      if (outcome.t !== 'duplicate') {`,
    tests: ['test/nodes/two-owners.test.ts', 'test/nodes/simulation.test.ts'],
  },
  {
    invariant: 'I4',
    how: 'what is learned is not forwarded',
    file: 'services/message/owner.ts',
    from: '        fanOut.forward(conversation, entries, noChanges);',
    to: '        void noChanges;',
    tests: [
      'test/nodes/two-owners.test.ts',
      'test/nodes/simulation.test.ts',
      'test/nodes/interleavings.test.ts',
    ],
  },
  {
    invariant: 'I4',
    how: 'refused on stale rules',
    file: 'services/message/judge.ts',
    from: '    return (await this.#host.store.range(convNo, next, next, 1, false)).length > 0;',
    to: '    return next < 0;',
    tests: ['test/nodes/two-owners.test.ts'],
  },
  {
    invariant: 'I4',
    how: 'the store does not fence (pure)',
    file: 'services/message/testing/memory-store.ts',
    from: `        ? existing?.convNo === convNo && existing.entries.length === first.seq - 1
        : existing === undefined;`,
    to: `        ? existing?.convNo === convNo
        : existing === undefined;
    if (existing !== undefined) existing.entries.length = Math.min(existing.entries.length, first.seq - 1);`,
    tests: ['test/nodes/simulation.test.ts'],
  },
  {
    invariant: 'I3',
    how: 'MySQL: a batch written again after an unknown outcome is taken for another one',
    file: 'services/adapters/mysql/standing.ts',
    from: 'if (convNo === commit.convNo && stands) return',
    to: 'if (convNo === commit.convNo && stands && create !== undefined) return',
    tests: ['services/adapters/mysql/mysql-store.test.ts'],
  },
  {
    invariant: 'I4',
    how: 'MySQL: nobody looks whether the entry before is there',
    file: 'services/adapters/mysql/rendered.ts',
    from: 'before: create === undefined ? `[${no},${int(first - 1)}]` : undefined',
    to: 'before: undefined',
    tests: ['services/adapters/mysql/mysql-store.test.ts'],
  },
  {
    invariant: 'I1',
    how: 'MySQL: a connection lost at COMMIT means that nothing was written',
    file: 'services/adapters/mysql/commits.ts',
    from: 'throw mayStand && !undone(error) ? unknown(error) : refusal(error);',
    to: 'throw refusal(error);',
    tests: ['services/adapters/mysql/doubt.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'no gap is told after a pause',
    file: 'services/connection/pushes.ts',
    from: '      if (from <= delivery.end) this.#gap(delivery, from, delivery.end);',
    to: '      if (from > delivery.end) this.#gap(delivery, from, delivery.end);',
    tests: ['services/connection/pushes.test.ts', 'test/nodes/delivery.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'the owner forgets a new session',
    file: 'services/message/edge-desk.ts',
    from: '        fanOut.sessionUp(edge, userId);',
    to: '',
    tests: ['test/nodes/interleavings.test.ts', 'test/nodes/delivery.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'registered before it is so',
    file: 'services/connection/reception.ts',
    from: '      await session.whenRegistered();',
    to: '',
    tests: ['test/nodes/interleavings.test.ts', 'test/nodes/sessions.test.ts', 'test/nodes/delivery.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'missing entries are not fetched',
    file: 'services/connection/rooms.ts',
    from: `        this.#awaitMissing(room);
        break;`,
    to: '        break;',
    tests: ['services/connection/pushes.test.ts', 'test/nodes/simulation.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'what an edge missed is not tried again',
    file: 'services/message/replay.ts',
    from: '      if (told.every((one) => one)) continue;',
    to: '      if (told.every((one) => one)) continue;\n      else return;',
    tests: ['services/message/replay.test.ts', 'test/nodes/cut-links.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'nothing is announced again',
    file: 'services/connection/redelivery.ts',
    from: '      this.#host.announce(delivery, from, to);',
    to: '',
    tests: ['services/connection/redelivery.test.ts', 'test/nodes/delivery.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'an edge that has not named all of its sessions is told of entries',
    file: 'services/message/fan-out.ts',
    from: `      if (!edge.complete) {
        edge.misses(conversation.convId, firstSeq);
        continue;
      }
`,
    to: '',
    tests: ['services/message/fan-out.test.ts', 'test/nodes/cut-links.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'a node that merely read a conversation forwards what it found',
    file: 'services/message/owner.ts',
    from: '    if (owns(conversation.convId)) {',
    to: '    if (owns(conversation.convId) || oldHead > 0) {',
    tests: ['test/nodes/shared-conversations.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'the removed one is dismissed at once',
    file: 'services/message/fan-out.ts',
    from: '      if (row.leftSeq < fromSeq) continue;',
    to: '      if (row.leftSeq < fromSeq || fromSeq > 0) continue;',
    tests: [
      'test/nodes/two-owners.test.ts',
      'test/nodes/interleavings.test.ts',
      'test/nodes/simulation.test.ts',
    ],
  },
  {
    invariant: 'I6',
    how: 'the lane takes everything',
    file: 'services/message/lane.ts',
    from: '    if (this.#queuedBytes + submission.bytes > this.#host.limits.queueBytes) {',
    to: '    if (this.#queuedBytes < 0) {',
    tests: ['test/nodes/limits.test.ts'],
  },
  {
    invariant: 'I6',
    how: 'no limit in flight',
    file: 'services/connection/command-desk.ts',
    from: '    if (session.inFlight < this.#parts.maxInFlight) return;',
    to: '    if (session.inFlight >= 0) return;',
    tests: ['test/nodes/limits.test.ts'],
  },
  {
    invariant: 'I6',
    how: 'no limit of pages',
    file: 'services/message/history.ts',
    from: '    if (bytes > maxBytes && count > 0)',
    to: '    if (bytes < 0 && count > 0)',
    tests: ['services/message/history.test.ts', 'services/message/views.test.ts'],
  },
  {
    invariant: 'I6',
    how: 'rooms are kept',
    file: 'services/connection/rooms.ts',
    from: '    if (!room.empty || room.waiting) return;',
    to: `    if (room.convId !== '') return;`,
    tests: ['services/connection/pushes.test.ts', 'test/nodes/robustness.test.ts'],
  },
  {
    invariant: 'I6',
    how: 'conversations are kept',
    file: 'services/message/hot-conversations.ts',
    from: '    if (excess <= 0) return;',
    to: '    if (excess > -1e9) return;',
    tests: [
      'services/message/hot-conversations.test.ts',
      'test/nodes/robustness.test.ts',
      'test/nodes/delivery.test.ts',
    ],
  },
  {
    invariant: 'I7',
    how: 'a session that still signs in is pushed what is its user’s',
    file: 'services/connection/session-book.ts',
    from: 'if (session.signedIn) yield session;',
    to: 'yield session;',
    tests: ['services/connection/pushes.test.ts', 'test/nodes/revocation.test.ts'],
  },
  {
    invariant: 'I7',
    how: 'the name in hello counts',
    file: 'services/connection/auth.ts',
    from: `    if (hello.userId !== '' && hello.userId !== identity.userId) {`,
    to: `    if (hello.userId !== '' && hello.userId !== identity.userId) return { userId: hello.userId as UserId, expiresAtMs: identity.expiresAtMs };
    if (hello.userId === '\\u0000') {`,
    tests: ['services/connection/auth.test.ts', 'test/nodes/identity.test.ts'],
  },
  {
    invariant: 'I7',
    how: 'anybody calls for others',
    file: 'services/connection/auth.ts',
    from: `      if (user === undefined || user === identity.userId) {
        return { kind: 'user', userId: identity.userId, service: '', scopes: noScopes };`,
    to: `      if (user !== '') {
        return { kind: 'user', userId: (user ?? identity.userId) as UserId, service: '', scopes: noScopes };`,
    tests: ['services/connection/auth.test.ts', 'test/nodes/identity.test.ts'],
  },
  {
    invariant: 'I9',
    how: 'a send writes a row for each member',
    file: 'services/message/rule-send.ts',
    from: `  const entry = draft.append('message', sender, content, clientKey);`,
    to: `  for (const row of draft.base.members.values()) draft.setRole(row, row.role);
  const entry = draft.append('message', sender, content, clientKey);`,
    tests: ['test/nodes/cost.test.ts'],
  },
  {
    invariant: 'I8',
    how: 'a sealed row is not bound to its place',
    file: 'services/core/seal.ts',
    from: '    out.u64(msgId);\n    out.u32(revision);',
    to: '    out.u32(Number(msgId & 0n) + revision * 0);',
    tests: ['services/core/seal.test.ts', 'services/adapters/embedded/embedded-store.test.ts'],
  },
  {
    invariant: 'I8',
    how: 'the content is kept in clear beside what is sealed',
    file: 'services/core/seal.ts',
    from: '    const bytes = Buffer.allocUnsafe(nonceBytes + body.byteLength + tagBytes);',
    to: '    if (content.byteLength > 0) body.set(content);\n    const bytes = Buffer.allocUnsafe(nonceBytes + body.byteLength + tagBytes);',
    tests: ['services/core/seal.test.ts', 'services/adapters/embedded/embedded-store.test.ts'],
  },
  ...pushMutants,
  ...providerMutants,
  ...directoryMutants,
  ...restoreMutants,
  ...backupMutants,
];
