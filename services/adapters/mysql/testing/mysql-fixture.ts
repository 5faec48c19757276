import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../../../core/config.ts';
import type { ConvNo, Seq } from '../../../core/ids.ts';
import { silentLogger } from '../../../core/log.ts';
import {
  firstKey,
  type SampleKey,
  type StoreFixture,
} from '../../../ports/message-store-conformance/fixture.ts';
import { type MySqlStore, type MySqlStoreOptions, openMySqlStore } from '../mysql-store.ts';
import { mySqlOptions } from '../options.ts';
import { serverOf } from '../server.ts';
import { Session } from '../session.ts';
import { Admin } from './database.ts';

/** A server that speaks MySQL's protocol, with the directory of its files. */
export interface SampleServer {
  readonly port: number;
  readonly data: string;
}

let schemas = 0;

/** An empty schema on one server or on several that replicate: each time that it is opened, on the next one. */
export class MySqlFixture implements StoreFixture {
  readonly schema: string;
  store: MySqlStore;
  readonly #servers: readonly SampleServer[];
  #keys: readonly SampleKey[] = [firstKey];
  #at: number;

  private constructor(schema: string, servers: readonly SampleServer[], at: number, store: MySqlStore) {
    this.schema = schema;
    this.store = store;
    this.#servers = servers;
    this.#at = at;
  }

  static async open(servers: readonly SampleServer[]): Promise<MySqlFixture> {
    schemas += 1;
    const schema = `fixture_${schemas}`;
    const server = servers[schemas % servers.length] as SampleServer;
    await using admin = await adminOf(server, 'mysql');
    await admin.ask(`CREATE DATABASE ${schema}`);
    return new MySqlFixture(schema, servers, schemas, await openOn(server, schema));
  }

  async reopen(masterKeys = this.#keys): Promise<void> {
    await this.store.close();
    this.#at += 1;
    const server = this.#servers[this.#at % this.#servers.length] as SampleServer;
    this.store = await openOn(server, this.schema, { masterKeys });
    this.#keys = masterKeys;
  }

  async holds(bytes: Uint8Array): Promise<boolean> {
    for (const server of this.#servers) {
      await using admin = await adminOf(server, this.schema);
      // Pages that only the memory of the server has are written first.
      const tables = (await admin.ask('SHOW TABLES')).map(([name]) => `\`${name}\``);
      await admin.ask(`FLUSH TABLES ${tables.join(',')} FOR EXPORT`);
      const names = await readdir(server.data, { recursive: true, withFileTypes: true });
      for (const file of names.filter((name) => name.isFile())) {
        const content = await readFile(path.join(file.parentPath, file.name));
        if (content.includes(Buffer.from(bytes))) return true;
      }
    }
    return false;
  }

  async exchangeBodies(convNo: ConvNo, one: Seq, other: Seq): Promise<void> {
    await using admin = await adminOf(
      this.#servers[this.#at % this.#servers.length] as SampleServer,
      this.schema,
    );
    await admin.ask(`UPDATE message a JOIN message b ON b.conv_no = a.conv_no AND a.seq + b.seq = ${one + other}
      JOIN (SELECT seq, body FROM message WHERE conv_no = ${convNo}) old ON old.seq = b.seq
      SET a.body = old.body WHERE a.conv_no = ${convNo} AND a.seq IN (${one}, ${other})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
  }
}

function configOf({ port }: SampleServer, schema: string) {
  const PARLEY_MYSQL_URL = `mysql://root@127.0.0.1:${port}/${schema}`;
  return loadConfig({ mysql: mySqlOptions }, { PARLEY_MYSQL_URL }).mysql;
}

/** A session of the test's own, behind the store's back. */
export async function adminOf(server: SampleServer, schema: string): Promise<Admin> {
  return new Admin(await Session.open(serverOf(configOf(server, schema)), 10_000));
}

export function openOn(
  server: SampleServer,
  schema: string,
  fields: Partial<MySqlStoreOptions> = {},
): Promise<MySqlStore> {
  return openMySqlStore({
    config: configOf(server, schema),
    masterKeys: [firstKey],
    incarnation: () => 'test',
    outbox: true,
    requireDurable: true,
    log: silentLogger,
    random: Math.random,
    ...fields,
  });
}
