import type { Mutant } from './mutants.ts';

const redis = 'services/adapters/redis';

/** Ways to break what the directory promises, see docs/decisions/0005-directory-that-may-be-lost.md. */
export const directoryMutants: readonly Mutant[] = [
  {
    invariant: 'directory',
    how: 'an older incarnation renews over a newer one',
    file: `${redis}/renew-node.lua`,
    from: 'if held and held > mine then',
    to: 'if false then',
    tests: [`${redis}/redis-directory.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'a listing that does not say that all was lost',
    file: `${redis}/node-leases.ts`,
    from: '/${connection.generation}/${born ?? ',
    to: '/${connection.generation}/${born === "" ? "" : ',
    tests: [`${redis}/faults.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'absence counts at once',
    file: 'services/peer/node-view.ts',
    from: 'const available = !doubtful &&',
    to: 'const available = true ||',
    tests: ['services/peer/node-view.test.ts'],
  },
  {
    invariant: 'directory',
    how: 'a session that is replaced does not expire',
    file: `${redis}/session-repository.ts`,
    from: 'await transaction.pexpire(this.#key, this.#ttlMs).exec()',
    to: 'await transaction.exec()',
    tests: [`${redis}/session-repository.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'a session of a dead node counts for as long as another one lives',
    file: `${redis}/sessions.ts`,
    from: 'await connection.run((redis) => redis.exists(...there))',
    to: 'there.length',
    tests: [`${redis}/by-hand.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'revocations that Redis lost stay lost',
    file: `${redis}/revocations.ts`,
    from: 'if (lost) await this.#restore();',
    to: 'void lost;',
    tests: [`${redis}/faults.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'a revocation shortens the one before',
    file: `${redis}/revoke.lua`,
    from: 'issued, ends = math.max(a, issued), math.max(b, ends)',
    to: '',
    tests: [`${redis}/redis-directory.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'a limit that refuses when Redis is away',
    file: `${redis}/rate-limits.ts`,
    from: `connection.meters.ratesUnchecked += 1;
      return 0;`,
    to: `connection.meters.ratesUnchecked += 1;
      return 1;`,
    tests: [`${redis}/faults.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'a limit that gives one more than the burst',
    file: `${redis}/take-rate.lua`,
    from: 'due + interval - burst * interval - now',
    to: 'due - burst * interval - now',
    tests: [`${redis}/redis-directory.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'pages that do not know what was projected onto them',
    file: `${redis}/keys.ts`,
    from: ':${page}:${projectedSeq}`',
    to: ':${page}:0${String(projectedSeq).slice(99)}`',
    tests: [`${redis}/redis-directory.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'commands to a frozen Redis wait without end',
    file: `${redis}/redis-connection.ts`,
    from: '|| meters.pending >= this.#parts.maxPending',
    to: '',
    tests: [`${redis}/faults.test.ts`],
  },
  {
    invariant: 'directory',
    how: 'a revocation that ends no session',
    file: 'services/connection/connection-node.ts',
    from: 'if (isRevokedBy(session, revocation)) this.#end(session, revokedFault());',
    to: 'void session;',
    tests: ['test/nodes/revocation.test.ts'],
  },
  {
    invariant: 'directory',
    how: 'asking whether a token is revoked before a revocation can find its session',
    file: 'services/connection/connection-node.ts',
    from: `      this.#sessions.signIn(session);
      await this.#auth.check(session);`,
    to: `      await this.#auth.check(session);
      this.#sessions.signIn(session);`,
    tests: ['test/nodes/revocation.test.ts'],
  },
  {
    invariant: 'directory',
    how: 'a remembered token is good for ever',
    file: 'services/connection/auth.ts',
    from: 'this.#lastOf.set(userId, this.#told);',
    to: 'void userId;',
    tests: ['services/connection/auth.test.ts'],
  },
  {
    invariant: 'directory',
    how: 'a revocation in the process that does not outlive it',
    file: 'services/adapters/memory/revocations.ts',
    from: 'await this.#file?.append(merged, () => [...this.#all(), merged]);',
    to: 'await Promise.resolve();',
    tests: ['services/adapters/memory/memory-directory.test.ts'],
  },
];
