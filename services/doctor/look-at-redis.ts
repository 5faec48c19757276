import { type RedisSurvey, surveyRedis } from '../adapters/redis/survey.ts';
import type { Config } from '../options.ts';
import { type Finding, Findings } from './finding.ts';

const leastMajor = 6;
const leastMinor = 2;
const fullShare = 0.9;

/** Redis: whether it is there, and forgets no more than it may. */
export async function lookAtRedis(config: Pick<Config, 'directory'>): Promise<readonly Finding[]> {
  const findings = new Findings('redis');
  let surveys: readonly RedisSurvey[];
  try {
    surveys = await surveyRedis(config.directory);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const advice = /WRONGPASS|NOAUTH|NOPERM/.test(error.message)
      ? 'Correct the password in PARLEY_REDIS_URL, or what that user may do.'
      : 'Start Redis, and see that PARLEY_REDIS_URL names it and that this machine may reach it. Messages go on without it.';
    findings.error(`Redis can't be used: ${error.message}.`, advice);
    return findings.all;
  }
  for (const survey of surveys) judgeRedis(survey, findings);
  return findings.all;
}

/** What a survey means. */
export function judgeRedis(survey: RedisSurvey, findings: Findings): void {
  const name = survey.node === '' ? 'Redis' : `Redis at ${survey.node}`;
  const { version, evictionPolicy, maxMemoryBytes, usedBytes, evictedKeys } = survey;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < leastMajor || (major === leastMajor && minor < leastMinor))
    findings.error(`${name} is ${version}.`, `Parley needs ${leastMajor}.${leastMinor} or later.`);
  else findings.ok(`${name} answers: ${version}.`);
  if (evictionPolicy.startsWith('allkeys'))
    findings.error(
      `${name} may drop any key when its memory is full (maxmemory-policy ${evictionPolicy}): revoked tokens would be good again.`,
      'Set maxmemory-policy to volatile-lru: what may go has an expiry, and revocations have none.',
    );
  else if (maxMemoryBytes > 0 && evictionPolicy === 'noeviction')
    findings.warning(
      `${name} refuses writes when its memory is full (maxmemory-policy noeviction).`,
      'Set maxmemory-policy to volatile-lru, so that pages of history make room.',
    );
  if (maxMemoryBytes > 0 && usedBytes > fullShare * maxMemoryBytes)
    findings.warning(
      `${name} uses ${Math.round((100 * usedBytes) / maxMemoryBytes)} % of its maxmemory, and has evicted ${evictedKeys} keys.`,
      'Give it more memory, or shorten PARLEY_PAGE_CACHE_TTL_MS.',
    );
  if (!survey.appends)
    findings.warning(
      `${name} keeps nothing on disk as it comes: where it and all nodes restart at once, revoked tokens are good again.`,
      'Set appendonly yes.',
    );
}
