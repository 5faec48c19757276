import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../scripts/paths.ts';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';

const deployed = join(root, 'deploy', 'rsyslog', 'parley.conf');

export interface RsyslogOptions {
  /** Where the log files are. */
  readonly logs: string;
  /** The search engine. */
  readonly url: string;
  /** Told of the configuration before it is used. */
  readonly edit?: (configuration: string) => string;
}

interface Placed extends RsyslogOptions {
  readonly directory: string;
}

/** Where it keeps its queue, and how far it has read. */
const workOf = ({ directory }: Placed): string => join(directory, 'work');

/** The configuration of deploy/rsyslog for other places, with nothing of the machine's own beside it. */
async function configuration(o: Placed): Promise<string> {
  const text = await readFile(deployed, 'utf8');
  const { edit = (placed) => placed } = o;
  const placed = text.replaceAll('/var/log/parley', o.logs).replaceAll('http://127.0.0.1:9200', o.url);
  return `global(workDirectory="${workOf(o)}")\n${edit(placed)}`;
}

/** People are spared by waiting; a test is not. */
function hurried(configuration: string): string {
  return configuration
    .replace(/resumeInterval="\d+"/, 'resumeInterval="1"')
    .replace(/resumeIntervalMax="\d+"/, 'resumeIntervalMax="1"');
}

export function rsyslogSpec(o: Placed): EngineSpec {
  const file = join(o.directory, 'rsyslog.conf');
  const pid = join(o.directory, 'rsyslogd.pid');
  return {
    name: 'rsyslog',
    directory: o.directory,
    command: 'rsyslogd',
    args: ['-n', '-f', file, '-i', pid],
    async configure() {
      await mkdir(workOf(o), { recursive: true });
      await writeFile(file, await configuration(o));
    },
    // It is asked nothing; what it has shipped is seen where it was shipped to.
    ask: () => access(pid),
  };
}

/** A private rsyslogd that ships as deploy/rsyslog says. From Debian's packages rsyslog and rsyslog-elasticsearch. */
export class Rsyslog extends Engine {
  readonly #work: string;

  private constructor(o: Placed) {
    super(rsyslogSpec(o));
    this.#work = workOf(o);
  }

  static async start(o: RsyslogOptions): Promise<Rsyslog> {
    const rsyslog = new Rsyslog({ edit: hurried, ...o, directory: await engineDirectory('rsyslog') });
    await rsyslog.launch();
    return rsyslog;
  }

  /** While it does not run: it forgets how far it has read which file, and begins with all of them anew. */
  async forgetPlaces(): Promise<void> {
    for (const name of await readdir(this.#work))
      if (name.startsWith('imfile-state:')) await rm(join(this.#work, name));
  }
}
