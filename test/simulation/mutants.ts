/** One way to break production code on purpose: in a file, `from` becomes `to`; then some schedule must be found wrong. */
export interface SimMutant {
  /** One word or more with dashes: how it is named on the command line. */
  readonly name: string;
  readonly invariant: string;
  readonly how: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** More of the same file, where one place is not enough. */
  readonly and?: readonly (readonly [from: string, to: string])[];
  /** Random schedules need not notice it: the interleaving that names it does. */
  readonly byName?: true;
}

/** Each is caught by the simulation within what runs in CI; see docs/invariants.md. */
export const simMutants: readonly SimMutant[] = [
  {
    name: 'answered-early',
    invariant: 'I1',
    how: 'sends are answered before the commit',
    file: 'services/message/batch.ts',
    from: `    if (writing.length === 0) return;
    let outcomes`,
    to: `    if (writing.length === 0) return;
    for (const { evaluation } of writing) this.#settle(evaluation);
    let outcomes`,
  },
  {
    name: 'duplicates-forgotten',
    invariant: 'I3',
    how: 'what the store says of a client id is not taken',
    file: 'services/message/batch.ts',
    from: 'submission.known ??= known.get(submission.clientKey);',
    to: 'known.get(submission.clientKey);',
  },
  {
    name: 'loser-keeps-rules',
    invariant: 'I4',
    how: 'an owner that was fenced keeps its members',
    file: 'services/message/conversation.ts',
    from: '    this.members = PairMap.of(snapshot.members.map((row) => [row.userId, row]));',
    to: '    if (this.members.size === 0) this.members = PairMap.of(snapshot.members.map((row) => [row.userId, row]));',
  },
  {
    name: 'loser-forwards',
    invariant: 'I4',
    how: 'an owner that was fenced answers and forwards what it lost',
    file: 'services/message/batch.ts',
    from: `      if (outcome.t === 'committed') {`,
    to: `      if (outcome.t !== 'duplicate') {`,
  },
  {
    name: 'chain-passes',
    invariant: 'I2',
    how: 'an owner takes what follows a refused send',
    file: 'services/message/batch.ts',
    from: '      if (chain?.refused.refuses(convId, chain.number) !== true) return true;',
    to: '      if (chain !== undefined || chain === undefined) return true;',
  },
  {
    name: 'early-passes',
    invariant: 'I2',
    how: 'an edge forwards what comes early',
    file: 'services/connection/forward-order.ts',
    from: '    if (entry.seq > this.#last + 1) {',
    to: '    if (entry.seq > this.#last + 9) {',
  },
  {
    name: 'no-look-back',
    invariant: 'I5',
    how: 'who takes a conversation over does not tell what its predecessor committed last',
    file: 'services/message/hot-conversations.ts',
    from: '      for (const conversation of waiting) await lookBack(this.#store, this.#clock, conversation);',
    to: '      void [lookBack, waiting];',
  },
  {
    name: 'old-taken-for-new',
    invariant: 'I5',
    how: 'who takes a conversation over takes all sessions for ones that have synced since',
    file: 'services/message/edge-desk.ts',
    from: 'Math.floor(edge.complete ? clock.monotonicMs() : edge.linkedAtMs - ageMs)',
    to: 'Math.floor(clock.monotonicMs()) + 60_000',
  },
  {
    name: 'no-replay',
    invariant: 'I5',
    how: 'an edge whose link comes again is not told what it missed',
    file: 'services/message/replay.ts',
    from: '    for (let failures = 0; edge.missed.size > 0',
    to: '    edge.missed.clear();\n    for (let failures = 0; edge.missed.size > 0',
  },
  {
    name: 'replay-once',
    byName: true,
    invariant: 'I5',
    how: 'what the store keeps from an edge whose link comes again is not tried again',
    file: 'services/message/replay.ts',
    from: '      if (told.every((one) => one)) continue;',
    to: '      if (told.every((one) => one)) continue;\n      else return;',
  },
  {
    name: 'forgotten-unsaid',
    byName: true,
    invariant: 'I5',
    how: 'sessions that may have missed what no owner remembers live on',
    file: 'services/message/edge-desk.ts',
    from: '        edge.endStale();',
    to: '',
  },
  {
    name: 'ignorant-is-heard',
    invariant: 'I4',
    how: 'an edge hears on who hears the owner that knows less, too',
    file: 'services/connection/rooms.ts',
    from: '    else if (this.#byConversation.get(room.convId) !== room || seq > room.knownSeq) {',
    to: '    else if (this.#byConversation.get(room.convId) !== room) {',
  },
  {
    name: 'told-too-early',
    byName: true,
    invariant: 'I5',
    how: 'an edge is told of an entry when it has named some of its sessions',
    file: 'services/message/fan-out.ts',
    from: '      if (!edge.complete) {\n        edge.misses(conversation.convId, firstSeq);',
    to: '      if (edge.sessions.size === 0) {\n        edge.misses(conversation.convId, firstSeq);',
  },
  {
    name: 'former-dismisses',
    byName: true,
    invariant: 'I5',
    how: 'who is not heard any more may still send all hearers away, and what then comes to nobody is not asked for',
    file: 'services/connection/rooms.ts',
    from: '    if (room.owner === audiences) this.#tell(room, audiences, frame);',
    to: '    if (room.owner === audiences || isDismissal(frame)) this.#tell(room, audiences, frame);',
    and: [
      [
        '    if (room === undefined) return this.#unheard(frame);',
        '    if (room === undefined) return true;',
      ],
      ['      audiences.delete(frame.audience);\n      return this.#unheard(frame);', '      return true;'],
    ],
  },
  {
    name: 'leavers-unheard',
    invariant: 'I5',
    how: 'who was removed while the edge was away never hears of it',
    file: 'services/message/fan-out.ts',
    from: '      if (row.leftSeq < fromSeq) continue;',
    to: '      if (row.leftSeq < fromSeq || fromSeq > 0) continue;',
  },
  {
    name: 'loser-not-checked',
    invariant: 'I4',
    how: 'what lost to another owner is written without another look at the rules',
    file: 'services/message/rule-send.ts',
    from: '{ sender, convId, clientKey }: Submission,',
    to: '{ sender, convId, clientKey, attempts }: Submission,',
    and: [
      [
        'if (draft.present(sender) === undefined) {',
        'if (draft.present(sender) === undefined && attempts === 0) {',
      ],
    ],
  },
  {
    name: 'route-passes',
    invariant: 'I2',
    how: 'a session sends to the next owner before the former one has answered',
    file: 'services/connection/chain.ts',
    from: '      if (this.#flying.size > 0) return undefined;',
    to: '',
  },
  {
    name: 'nobody-adopts',
    invariant: 'I5',
    how: 'what a dead node left in the outbox is nobody\u2019s',
    file: 'services/message/relay/adopter.ts',
    from: 'page.filter(({ batchId }) => impatient || adopts(batchId)),',
    to: 'page.filter(({ batchId }) => (impatient || adopts(batchId)) && batchId < 0n),',
  },
  {
    name: 'restore-unheard',
    invariant: 'I4',
    how: 'a node keeps what it knew after a restore',
    file: 'services/message/message-node.ts',
    from: '    this.#hot.clear();',
    to: '',
  },
  {
    name: 'silence-unheard',
    byName: true,
    invariant: 'I4',
    how: 'nobody looks whether the newest entry is still there',
    file: 'services/message/epoch-watch.ts',
    from: '      for (const { msgId, epoch } of witnesses) {',
    to: '      for (const { msgId, epoch } of witnesses.slice(0, 0)) {',
  },
];
