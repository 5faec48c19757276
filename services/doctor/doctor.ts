import type { Environment } from '../core/config.ts';
import { kafkaSettings } from '../kafka-options.ts';
import type { Config } from '../options.ts';
import { type Finding, Findings } from './finding.ts';
import { lookAtCertificates } from './look-at-certificates.ts';
import { lookAtConfiguration } from './look-at-configuration.ts';
import { lookAtDatabase } from './look-at-database.ts';
import { lookAtKafka } from './look-at-kafka.ts';
import { lookAtMachine } from './look-at-machine.ts';
import { lookAtNodes } from './look-at-nodes.ts';
import { lookAtRedis } from './look-at-redis.ts';

/** Looks at everything that the configuration names, all at once; changes nothing. */
export async function examine(config: Config, env?: Environment): Promise<readonly Finding[]> {
  const kafka = kafkaSettings(config.kafka);
  const looks: readonly (readonly [string, () => readonly Finding[] | Promise<readonly Finding[]>])[] = [
    ['configuration', () => lookAtConfiguration(config, env)],
    ['machine', () => lookAtMachine(config)],
    ['certificates', () => lookAtCertificates(config, Date.now())],
    ...(config.mysql.url === '' ? [] : [['database', () => lookAtDatabase(config)] as const]),
    ...(config.directory.redisUrl === ''
      ? []
      : [['redis', () => lookAtRedis(config)] as const, ['nodes', () => lookAtNodes(config)] as const]),
    ...(kafka === undefined ? [] : [['kafka', () => lookAtKafka(kafka)] as const]),
  ];
  const found = await Promise.all(
    looks.map(async ([part, look]) => {
      try {
        return await look();
      } catch (error) {
        const findings = new Findings(part);
        findings.error(
          `It could not be looked at: ${(error as Error).message}.`,
          'Correct what it says, and look again.',
        );
        return findings.all;
      }
    }),
  );
  return found.flat();
}
