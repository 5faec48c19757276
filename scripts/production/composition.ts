import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../paths.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
}

/** The first three numbers of the addresses that stand in deploy/production. */
const deployedNet = '172.30.0';

/** deploy/production as it is on this machine: the paths and addresses of containers are those of here. */
export class Composition {
  readonly #net: string;
  readonly #secrets: string;
  readonly #services: Readonly<Record<string, Service>>;

  constructor({ net, secrets }: { readonly net: string; readonly secrets: string }) {
    this.#net = net;
    this.#secrets = secrets;
    const text = this.file('production/compose.yaml').replaceAll(
      /\$\{([A-Z_]+):-([^}]*)\}/g,
      (_, name: string, otherwise: string) => process.env[name] || otherwise,
    );
    this.#services = (
      parse(text, { merge: true, maxAliasCount: -1 }) as { services: Record<string, Service> }
    ).services;
  }

  /** A file of deploy/ with the addresses and secrets of here. */
  file(name: string): string {
    return readFileSync(join(root, 'deploy', name), 'utf8')
      .replaceAll(`${deployedNet}.`, `${this.#net}.`)
      .replaceAll('/run/secrets/', `${this.#secrets}/`);
  }

  /** The processes of Parley, in the order of the file. */
  get nodes(): string[] {
    return Object.entries(this.#services).flatMap(([name, { image }]) => (image === 'parley' ? [name] : []));
  }

  environment(service: string): Record<string, string> {
    const { environment = {} } = this.#service(service);
    return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, `${value}`]));
  }

  /** What is said to the program of a service, with other paths in the place of those in the container. */
  args(service: string, paths: Readonly<Record<string, string>> = {}): string[] {
    const { command = [] } = this.#service(service);
    return command.map((arg) => {
      const found = Object.entries(paths).find(([inside]) => arg.includes(`=${inside}`));
      return found === undefined ? arg : arg.replace(`=${found[0]}`, `=${found[1]}`);
    });
  }

  #service(name: string): Service {
    const found = this.#services[name];
    if (found === undefined) throw new Error(`there is no service ${name} in deploy/production/compose.yaml`);
    return found;
  }
}
