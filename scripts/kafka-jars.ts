import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MavenJars } from './maven-jars.ts';

/** Kafka's own jars: a broker. */
export const kafkaJars = new MavenJars({ name: 'kafka', pom: 'kafka-broker.pom.xml' });

/** The agent by which a broker tells Prometheus of itself. */
export function jmxExporterJar(): string {
  const { directory } = kafkaJars;
  const found = readdirSync(directory).find((name) => name.startsWith('jmx_prometheus_javaagent-'));
  if (found === undefined) throw new Error(`there is no JMX exporter in ${directory}`);
  return join(directory, found);
}
