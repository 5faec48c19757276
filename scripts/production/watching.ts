import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../paths.ts';
import { answers, commandIn, listens } from './commands.ts';
import type { MachineName } from './machines.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';
import { receiverPort } from './secrets.ts';

const deployed = join(root, 'deploy', 'prometheus');
/** Where deploy/alertmanager has its receivers. */
const alertsPort = 9095;
const databases = ['database-1', 'database-2', 'database-3'] as const;

/** Prometheus and Alertmanager with what is in deploy/, and the exporters that have no program of their own to be with. */
export function watchers(place: Place): Program[] {
  return [
    receiver(place),
    prometheus(place),
    alertmanager(place),
    machineExporter(place),
    redisExporter(place),
    blackboxExporter(place),
    ...databases.map((name) => databaseExporter(place, name)),
  ];
}

function prometheus(place: Place): Program {
  const machine = place.machines.get('watch');
  const directory = join(place.directory, 'prometheus');
  const paths = { '/etc/prometheus': directory, '/prometheus': join(directory, 'data') };
  return place.program('prometheus', {
    name: 'prometheus',
    directory,
    ...commandIn(machine, 'prometheus', ...place.composition.args('prometheus', paths), '--log.level=warn'),
    async configure() {
      await cp(join(deployed, 'rules'), join(directory, 'rules'), { recursive: true });
      await writeFile(join(directory, 'prometheus.yml'), place.composition.file('prometheus/prometheus.yml'));
      await mkdir(join(directory, 'targets'), { recursive: true });
      for (const file of await readdir(join(root, 'deploy', 'production', 'targets')))
        await writeFile(join(directory, 'targets', file), targets(place, file));
    },
    ask: () => answers(`http://${machine.address}:9090/-/ready`),
  });
}

/** With those that the file has for a profile, and for who brings an exporter of Kafka's: here they are. */
function targets({ composition }: Place, file: string): string {
  return composition
    .file(`production/targets/${file}`)
    .replaceAll(/^# ?(?=- \{ targets)/gm, '')
    .replace(/^\[\]$/m, '');
}

function alertmanager(place: Place): Program {
  const machine = place.machines.get('watch');
  const directory = join(place.directory, 'alertmanager');
  const paths = {
    '/etc/alertmanager': join(root, 'deploy', 'alertmanager'),
    '/alertmanager': join(directory, 'data'),
  };
  return place.program('alertmanager', {
    name: 'alertmanager',
    directory,
    ...commandIn(
      machine,
      'prometheus-alertmanager',
      ...place.composition.args('alertmanager', paths),
      // It is alone.
      '--cluster.listen-address=',
      '--log.level=warn',
    ),
    ask: () => answers(`http://${machine.address}:9093/-/ready`),
  });
}

/** Who is called: the receivers of deploy/alertmanager are at this address, and the endpoint of webhooks, too. */
function receiver(place: Place): Program {
  const machine = place.machines.get('watch');
  const directory = join(place.directory, 'receiver');
  const script = fileURLToPath(new URL('receiver.ts', import.meta.url));
  return place.program('receiver', {
    name: 'receiver',
    directory,
    ...commandIn(
      machine,
      ...[process.execPath, script, directory, place.secrets],
      ...[`${alertsPort}`, `${receiverPort}`],
    ),
    ask: () => listens(machine.address, receiverPort),
  });
}

/** Of this machine itself. */
function machineExporter(place: Place): Program {
  const address = `${place.machines.own}:9100`;
  return place.program('node-exporter', {
    name: 'node exporter',
    directory: join(place.directory, 'exporters'),
    command: 'prometheus-node-exporter',
    args: [`--web.listen-address=${address}`],
    ask: () => answers(`http://${address}/metrics`),
  });
}

function redisExporter(place: Place): Program {
  const { directory, machines, secrets } = place;
  const machine = machines.get('watch');
  const password = `REDIS_PASSWORD="$(cat "$0")" exec prometheus-redis-exporter "$@"`;
  return place.program('redis-exporter', {
    name: 'redis exporter',
    directory: join(directory, 'exporters'),
    ...commandIn(
      machine,
      ...['sh', '-c', password, join(secrets, 'redis-password')],
      ...['-web.listen-address=:9121', '-redis.addr=redis://redis:6379'],
    ),
    ask: () => answers(`http://${machine.address}:9121/metrics`),
  });
}

/** Asks the floating address, as users come by it. */
function blackboxExporter(place: Place): Program {
  const machine = place.machines.get('watch');
  const spec = {
    name: 'blackbox exporter',
    directory: join(place.directory, 'exporters'),
    ...commandIn(
      machine,
      'prometheus-blackbox-exporter',
      '--web.listen-address=:9115',
      `--config.file=${join(deployed, 'blackbox.yml')}`,
    ),
    ask: () => answers(`http://${machine.address}:9115/metrics`),
  };
  const env = place.composition.environment('blackbox-exporter');
  return place.program('blackbox-exporter', spec, { env });
}

function databaseExporter(place: Place, name: MachineName): Program {
  const machine = place.machines.get(name);
  return place.program(`${name}-exporter`, {
    name: 'mysqld exporter',
    directory: join(place.directory, 'exporters'),
    ...commandIn(
      machine,
      'prometheus-mysqld-exporter',
      '--web.listen-address=:9104',
      `--config.my-cnf=${join(place.secrets, 'exporter-mysql.cnf')}`,
    ),
    ask: () => answers(`http://${machine.address}:9104/metrics`),
  });
}
