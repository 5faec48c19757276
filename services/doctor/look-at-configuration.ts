import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isLoopback } from '../core/core-options.ts';
import { type Environment, unknownVariables } from '../core/config.ts';
import { type Config, optionTables } from '../options.ts';
import { type Finding, Findings } from './finding.ts';

const leastSecret = 32;

/** What is configured: whether secrets are there and hard to guess, and what does not go together. */
export function lookAtConfiguration(config: Config, env?: Environment): readonly Finding[] {
  const findings = new Findings('configuration');
  for (const hint of unknownVariables(optionTables, env))
    findings.warning(`${hint.replace(/\.$/, '')}.`, 'Correct its name, or remove it.');
  const clustered = config.directory.redisUrl !== '' || config.mysql.url !== '';
  if (config.core.mode === 'development') {
    findings.warning(
      'It is configured for development: names sign in without a token.',
      'Set PARLEY_MODE=production for others than yourself.',
    );
    return findings.all;
  }
  const { secrets } = config.auth;
  if (secrets.length === 0)
    findings.error('PARLEY_TOKEN_SECRET is not set.', 'Set it: openssl rand -base64 48.');
  secrets.forEach((secret, at) => {
    strength(`PARLEY_TOKEN_SECRET${secrets.length > 1 ? ` (no. ${at + 1})` : ''}`, secret, findings);
  });
  if (config.store.masterKeys === '' && !existsSync(join(config.core.dataDir, 'master.keys'))) {
    if (config.mysql.url !== '')
      findings.error(
        'There are no master keys: message nodes do not start.',
        'Set PARLEY_MASTER_KEYS to those of this store; for a new one 1:$(openssl rand -hex 32).',
      );
    else
      findings.warning(
        'There are no master keys yet.',
        'They are made in the data directory on first start; keep a copy elsewhere.',
      );
  }
  if (clustered) strength('PARLEY_CLUSTER_TOKEN', config.node.clusterToken, findings);
  if (
    config.directory.redisUrl !== '' &&
    !isLoopback(config.cluster.linkHost) &&
    config.linkTls.cert === undefined
  )
    findings.warning(
      'Links between nodes are not encrypted.',
      'Set PARLEY_LINK_TLS_CERT, PARLEY_LINK_TLS_KEY and PARLEY_LINK_TLS_CA, unless their network is your own.',
    );
  if (!isLoopback(config.core.host) && config.grpc.tlsCert === undefined)
    findings.warning(
      `gRPC is open at ${config.core.host} without TLS: tokens travel in clear.`,
      'Set PARLEY_GRPC_TLS_CERT and PARLEY_GRPC_TLS_KEY, or put a proxy with TLS in front.',
    );
  const { trustedProxies, tlsCert } = config.bridge;
  if (!isLoopback(config.core.host) && tlsCert === undefined && trustedProxies === 0)
    findings.warning(
      `HTTP and WebSocket are open at ${config.core.host} without TLS: tokens travel in clear.`,
      'Set PARLEY_HTTP_TLS_CERT and PARLEY_HTTP_TLS_KEY, or put a proxy with TLS in front and count it in PARLEY_TRUSTED_PROXIES.',
    );
  if (!isLoopback(config.telemetry.host) && config.telemetry.tlsCert === undefined)
    findings.warning(
      `Metrics are open at ${config.telemetry.host} without TLS: whoever reaches them reads what this node does.`,
      'Set PARLEY_METRICS_TLS_CERT, PARLEY_METRICS_TLS_KEY and PARLEY_METRICS_TLS_CLIENT_CA, or keep its port to your own network.',
    );
  if (findings.all.every(({ severity }) => severity === 'ok'))
    findings.ok('Secrets are set, and hard to guess as far as can be seen.');
  return findings.all;
}

/** Finds what people type, not what is merely weak: an estimate of the bits that letters in this mixture carry. */
function strength(env: string, secret: string, findings: Findings): void {
  const advice = `Set it to random characters: ${env.split(' ')[0]}=$(openssl rand -base64 48).`;
  if (secret === '') findings.error(`${env} is not set.`, advice);
  else if (secret.length < leastSecret)
    findings.error(`${env} has fewer than ${leastSecret} characters.`, advice);
  else if (bitsOf(secret) < 96) findings.error(`${env} looks as if somebody could guess it.`, advice);
}

function bitsOf(secret: string): number {
  const counts = new Map<string, number>();
  for (const letter of secret) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  let perLetter = 0;
  for (const count of counts.values())
    perLetter -= (count / secret.length) * Math.log2(count / secret.length);
  const words =
    secret
      .toLowerCase()
      .match(/secret|password|changeme|parley|example|token|test/g)
      ?.join('') ?? '';
  return perLetter * Math.max(0, secret.length - 2 * words.length);
}
