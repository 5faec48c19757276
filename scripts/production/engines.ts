import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askWhetherKafkaServes, formatKafka, kafkaJava } from '../../test/engines/kafka-broker.ts';
import { jmxExporterJar } from '../kafka-jars.ts';
import { root } from '../paths.ts';
import { answers, commandIn, listens } from './commands.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';

const metricsPort = 9404;

/** A configuration of HAProxy for where there is no server of Docker's to look names up. */
export function withoutResolvers(text: string): string {
  return text.replace(' resolvers docker', '').replace(/^resolvers docker\n(?: +.*\n)+/m, '');
}

/** The one address that nodes know their database by. */
export function balancer(place: Place): Program {
  const machine = place.machines.get('database');
  const directory = join(place.directory, 'balancer');
  const file = join(directory, 'haproxy.cfg');
  return place.program('database', {
    name: 'haproxy',
    directory,
    ...commandIn(machine, 'haproxy', '-db', '-f', file),
    async configure() {
      const deployed = place.composition.file('production/haproxy/haproxy.cfg');
      // Names are in the file of hosts, which does not change.
      await writeFile(file, withoutResolvers(deployed));
    },
    ask: () => answers(`http://${machine.address}:8404/health`),
  });
}

export function redis(place: Place): Program {
  const machine = place.machines.get('redis');
  const directory = join(place.directory, 'redis');
  const file = join(directory, 'redis.conf');
  return place.program('redis', {
    name: 'redis',
    directory,
    ...commandIn(machine, 'redis-server', file),
    async configure() {
      const password = await readFile(join(place.secrets, 'redis-password'), 'utf8');
      const own = ['bind 0.0.0.0', `dir "${directory}"`, `requirepass ${password}`, ''];
      await writeFile(file, `${own.join('\n')}${place.composition.file('production/redis.conf')}`, {
        mode: 0o600,
      });
    },
    ask: () => listens(machine.address, 6379),
  });
}

/** One broker, as its service of deploy/production/compose.yaml has it, and the exporter that no image brings. */
export function kafka(place: Place): Program {
  const machine = place.machines.get('kafka');
  const directory = join(place.directory, 'kafka');
  const file = join(directory, 'server.properties');
  const exporter = join(root, 'deploy', 'kafka', 'jmx-exporter.yml');
  const agent = `-javaagent:${jmxExporterJar()}=${machine.address}:${metricsPort}:${exporter}`;
  return place.program('kafka', {
    name: 'kafka',
    directory,
    ...commandIn(machine, 'java', ...kafkaJava, agent, 'kafka.Kafka', file),
    async configure() {
      const properties = Object.entries(place.composition.environment('kafka')).map(
        // As the image does it with its environment.
        ([name, value]) =>
          `${name
            .replace(/^KAFKA_/, '')
            .replaceAll('_', '.')
            .toLowerCase()}=${value}`,
      );
      await writeFile(file, [...properties, `log.dirs=${join(directory, 'data')}`, ''].join('\n'));
    },
    prepare: () => formatKafka(file),
    ask: () => askWhetherKafkaServes(19_092, machine.address),
  });
}
