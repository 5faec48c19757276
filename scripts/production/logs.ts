import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineSpec } from '../../test/engines/engine.ts';
import { askOpenSearch, openSearchSpec } from '../../test/engines/opensearch.ts';
import { rsyslogSpec } from '../../test/engines/rsyslog.ts';
import { templateName } from '../log-search/index-template.ts';
import { root } from '../paths.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';

const port = 9200;
const template = join(root, 'deploy', 'rsyslog', 'index-template.json');

/** Where a node's log is: these alone are shipped. */
export function nodeLog(place: Place, name: string): string {
  return place.log(join('nodes', `${name}.log`));
}

/** Where the logs are found, with the template that they need. */
export function searchEngine(place: Place): Program {
  const { address: host, command: prefix } = place.machines.get('search');
  const directory = join(place.directory, 'search');
  const spec: EngineSpec = openSearchSpec({ directory, host, port, transportPort: port + 100, prefix });
  const furnished: EngineSpec = {
    ...spec,
    // Before the first line comes.
    async ask() {
      await spec.ask();
      const fields = JSON.parse(await readFile(template, 'utf8')) as object;
      await askOpenSearch({ host, port }, 'PUT', `/_index_template/${templateName}`, fields);
    },
  };
  return place.program('search', furnished);
}

/** rsyslogd of this machine, where all log files are. */
export function shipper(place: Place): Program {
  return place.program(
    'shipper',
    rsyslogSpec({
      directory: join(place.directory, 'shipper'),
      logs: place.log('nodes'),
      url: `http://${place.machines.get('search').address}:${port}`,
    }),
  );
}
