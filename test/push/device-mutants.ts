import type { Mutant } from '../mutants.ts';

const rules = ['services/push/push-rules.test.ts'];
const notices = ['services/push/device-notices.test.ts'];
const courier = ['services/push/notice-courier.test.ts'];
const stored = ['services/adapters/embedded/devices.test.ts'];
const whole = ['test/push/devices.test.ts'];

/** Ways to break pushes to devices. */
export const devicePushMutants: readonly Mutant[] = [
  {
    invariant: 'I5',
    how: 'a session that is there spares the device, whether it acknowledges or not',
    file: 'services/push/push-rules.ts',
    from: "  return late ? 'push' : 'wait';",
    to: "  return 'spare';",
    tests: [...rules, ...whole],
  },
  {
    invariant: 'I5',
    how: 'a push goes to a device that has acknowledged',
    file: 'services/push/push-rules.ts',
    from: "  if (sessions.includes('acknowledged')) return 'spare';",
    to: '',
    tests: [...rules, ...whole],
  },
  {
    invariant: 'I5',
    how: 'what was there before a session came counts as acknowledged',
    file: 'services/connection/session-acks.ts',
    from: ' || seq <= delivery.enteredSeq',
    to: '',
    tests: ['services/connection/session-acks.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'an edge that does not answer is waited for without end',
    file: 'services/message/ack-questions.ts',
    from: 'setTimeout(() => this.#settle(call), this.#timeoutMs)',
    to: 'setTimeout(() => undefined, this.#timeoutMs)',
    tests: ['services/message/ack-questions.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'quiet hours end at midnight',
    file: 'services/push/quiet.ts',
    from: '  return minute >= fromMinute || minute < toMinute;',
    to: '  return minute >= fromMinute;',
    tests: ['services/push/quiet.test.ts'],
  },
  {
    invariant: 'I5',
    how: 'a silenced conversation is pushed all the same',
    file: 'services/push/quiet.ts',
    from: ' || silencedUntilMs > nowMs) return true;',
    to: ') return true;',
    tests: ['services/push/quiet.test.ts', ...notices],
  },
  {
    invariant: 'I8',
    how: 'a message that was taken back is pushed',
    file: 'services/push/device-notices.ts',
    from: "kind === 'message' && !recalled",
    to: "kind === 'message' && recalled !== undefined",
    tests: notices,
  },
  {
    invariant: 'I3',
    how: 'nobody remembers what devices were told',
    file: 'services/push/device-notices.ts',
    from: "    if (delivery.t === 'sent') await this.#told.mark({ userId, deviceId, convId, seq });\n    else if",
    to: '    if',
    tests: notices,
  },
  {
    invariant: 'I3',
    how: 'a push that is sent again has another id',
    file: 'services/push/notice-text.ts',
    from: 'JSON.stringify([userId, deviceId, convId, seq])',
    to: 'JSON.stringify([Math.random(), userId, deviceId, convId, seq])',
    tests: ['services/push/notice-text.test.ts', ...courier],
  },
  {
    invariant: 'I6',
    how: 'an older push of the conversation keeps its place before a newer one',
    file: 'services/push/notice-courier.ts',
    from: '      before.replaced = true;\n',
    to: '',
    tests: courier,
  },
  {
    invariant: 'I8',
    how: 'a dead letter of a push holds what it was reached by',
    file: 'services/push/notice-courier.ts',
    from: 'conv_id: convId, seq }),',
    to: 'conv_id: convId, seq, target }),',
    tests: courier,
  },
  {
    invariant: 'I7',
    how: 'a push target stays with who had it before',
    file: 'services/adapters/embedded/device-rows.ts',
    from: '        changes.push(...(await this.#forget(otherUser, otherDevice)));',
    to: '        changes.push();',
    tests: [...stored, ...whole],
  },
  {
    invariant: 'I8',
    how: 'a push target opens wherever its row is moved',
    file: 'services/core/seal.ts',
    from: '`\\0device ${userId.length} ${userId}${deviceId}`',
    to: '`\\0device`',
    tests: ['services/ports/device-codec.test.ts'],
  },
  {
    invariant: 'I6',
    how: 'a user may have any number of devices',
    file: 'services/adapters/embedded/device-rows.ts',
    from: 'others.slice(maxDevices - 1)',
    to: 'others.slice(maxDevices + 1_000)',
    tests: stored,
  },
  {
    invariant: 'I7',
    how: 'who is shut out is pushed to all the same',
    file: 'services/connection/routes/admin-routes.ts',
    from: "      await context.ask({ t: 'device', request: forgetting(deviceId) }, 'device', userId);\n",
    to: '',
    tests: whole,
  },
];
