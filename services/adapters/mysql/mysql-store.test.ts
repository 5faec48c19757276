import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after } from 'node:test';
import type { ConvNo, Seq } from '../../core/ids.ts';
import {
  firstKey,
  type SampleKey,
  type StoreFixture,
} from '../../ports/message-store-conformance/fixture.ts';
import { messageStoreConformance } from '../../ports/message-store.conformance.ts';
import type { MySqlStore } from './mysql-store.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

messageStoreConformance('the store on MySQL', () => MySqlFixture.open());

class MySqlFixture implements StoreFixture {
  readonly #schema: string;
  store: MySqlStore;
  #keys: readonly SampleKey[] = [firstKey];

  private constructor(schema: string, store: MySqlStore) {
    this.#schema = schema;
    this.store = store;
  }

  static async open(): Promise<MySqlFixture> {
    const schema = await database.schema();
    return new MySqlFixture(schema, await database.open(schema));
  }

  async reopen(masterKeys = this.#keys): Promise<void> {
    await this.store.close();
    this.store = await database.open(this.#schema, { masterKeys });
    this.#keys = masterKeys;
  }

  async holds(bytes: Uint8Array): Promise<boolean> {
    await using admin = await database.admin(this.#schema);
    // Pages that only the memory of the server has are written first.
    const tables = (await admin.ask('SHOW TABLES')).map(([name]) => `\`${name}\``);
    await admin.ask(`FLUSH TABLES ${tables.join(',')} FOR EXPORT`);
    const names = await readdir(database.data, { recursive: true, withFileTypes: true });
    for (const file of names.filter((name) => name.isFile())) {
      const content = await readFile(path.join(file.parentPath, file.name));
      if (content.includes(Buffer.from(bytes))) return true;
    }
    return false;
  }

  async exchangeBodies(convNo: ConvNo, one: Seq, other: Seq): Promise<void> {
    await using admin = await database.admin(this.#schema);
    await admin.ask(`UPDATE message a JOIN message b ON b.conv_no = a.conv_no AND a.seq + b.seq = ${one + other}
      JOIN (SELECT seq, body FROM message WHERE conv_no = ${convNo}) old ON old.seq = b.seq
      SET a.body = old.body WHERE a.conv_no = ${convNo} AND a.seq IN (${one}, ${other})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
  }
}
