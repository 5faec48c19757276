import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { createChatClient } from '../../sdk/client.ts';
import { MemoryStorage } from '../../sdk/storage-memory.ts';
import { GrpcTransport } from '../../sdk/transport-grpc.ts';
import { WebSocketTransport } from '../../sdk/transport-websocket.ts';
import type { ChatClient, LogItem } from '../../sdk/types.ts';
import { renewEpochCommand } from '../../services/cli/renew-epoch-command.ts';
import { runCli } from '../../services/cli/run-cli.ts';
import { mariaDb, type OwnSchema } from '../engines/shared.ts';
import { until } from '../e2e/support/until.ts';
import { RestUser } from '../e2e/support/rest-user.ts';
import { Cluster } from './support/cluster.ts';

/** A database that is put back to an older dump while six processes and their clients are at work with it. */

const run = promisify(execFile);
const database = await mariaDb();
const cluster = await Cluster.start({ databaseUrl: database.url });
const directory = await mkdtemp(path.join(tmpdir(), 'parley-restored-'));
const clients: ChatClient[] = [];

after(async () => {
  for (const client of clients) await client.close();
  await cluster[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function online(userId: string, edge: string, door: 'ws' | 'grpc'): Promise<ChatClient> {
  const { http, grpc } = cluster.get(edge).ports;
  const transport =
    door === 'ws'
      ? new WebSocketTransport({ url: `ws://127.0.0.1:${http}/ws` })
      : new GrpcTransport({ address: `127.0.0.1:${grpc}` });
  const client = createChatClient({ userId, transport, storage: new MemoryStorage() });
  clients.push(client);
  client.start();
  await until(
    () => client.state.t === 'online',
    () => `${userId} never got online`,
  );
  return client;
}

async function dump(database: OwnSchema, file: string): Promise<void> {
  const how = [
    ...['--single-transaction', '--skip-lock-tables', '--hex-blob', `--result-file=${file}`],
    // Rows alone: see `restore`.
    ...['--no-create-info', '--skip-add-locks', '--skip-disable-keys'],
  ];
  await run('mariadb-dump', [...signIn(database), ...how, database.database]);
}

/**
 * All rows at once, as a failover or a snapshot would have it. A dump that makes its tables anew leaves each
 * without a lock for a moment; what a node writes there makes the dump fail by a duplicate key.
 */
async function restore(database: OwnSchema, file: string): Promise<void> {
  const connection = await createConnection({
    ...database.address,
    database: database.database,
    multipleStatements: true,
  });
  try {
    const [rows] = await connection.query(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    );
    const tables = (rows as { name: string }[]).map(({ name }) => `\`${name}\``);
    assert.ok(tables.length > 3);
    await connection.query(
      [
        'SET foreign_key_checks = 0',
        `LOCK TABLES ${tables.map((table) => `${table} WRITE`).join(', ')}`,
        ...tables.map((table) => `DELETE FROM ${table}`),
        await readFile(file, 'utf8'),
      ].join(';\n'),
    );
  } finally {
    await connection.end();
  }
}

function signIn({ address }: OwnSchema): string[] {
  const { host, port, user } = address;
  return [`--host=${host}`, `--port=${port}`, `--user=${user}`];
}

/** Group nodes are linked some time after the cluster answers. */
async function createGroup(owner: string, member: string): Promise<string> {
  const user = new RestUser(owner, `http://127.0.0.1:${cluster.get('e1').ports.http}/`);
  let group = '';
  let refusal: unknown;
  await until(
    async () => {
      group = await user.createGroup('Garden', [member]).catch((error: unknown) => {
        refusal = error;
        return '';
      });
      return group !== '';
    },
    () => String(refusal),
  );
  return group;
}

interface Entry {
  readonly seq: number;
  readonly msgId: string;
}

const held = (client: ChatClient, convId: string): Entry[] =>
  client.log(convId).items.map(({ seq, msgId }: LogItem) => ({ seq, msgId: String(msgId) }));

async function stored(database: OwnSchema, convId: string): Promise<Entry[]> {
  const connection = await createConnection({
    ...database.address,
    database: database.database,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  try {
    const [rows] = await connection.query(
      'SELECT m.seq, m.msg_id FROM message m JOIN conversation c ON c.conv_no = m.conv_no WHERE c.conv_id = ? ORDER BY m.seq',
      [convId],
    );
    return (rows as { seq: string; msg_id: string }[]).map(({ seq, msg_id }) => ({
      seq: Number(seq),
      msgId: String(msg_id),
    }));
  } finally {
    await connection.end();
  }
}

/** Clients keep the newest entries of a long log. */
function isEnd(log: readonly Entry[], part: readonly Entry[]): boolean {
  return (
    part.length > 10 === log.length > 10 && JSON.stringify(log.slice(-part.length)) === JSON.stringify(part)
  );
}

const ways = {
  'with a new epoch drawn by hand': async () => {
    const io = { out: () => {}, note: (text: string) => assert.fail(text) };
    assert.equal(await runCli(['renew-epoch'], [renewEpochCommand(cluster.env)], io), 0);
  },
  'without a word: the newest entries are gone': async () => {},
};

describe('an older dump under a running cluster', () => {
  for (const [at, [way, announce]] of Object.entries(ways).entries())
    test(way, { timeout: 120_000 }, async () => {
      const [annName, beaName] = [`ann${at}`, `bea${at}`];
      const ann = await online(annName, 'e1', 'ws');
      const bea = await online(beaName, 'e2', 'grpc');
      const group = await createGroup(annName, beaName);
      const direct = await ann.direct(beaName);
      const sayAll = (words: string, times: number) => {
        for (let no = 0; no < times; no += 1) {
          ann.send(group, `${words} ${no}`);
          bea.send(group, `${words} ${no}`);
          ann.send(direct, `${words} ${no}`);
        }
      };
      const agree = async (convId: string, least: number) => {
        let seen = '';
        await until(
          async () => {
            const log = await stored(database, convId);
            const [one, other] = [held(ann, convId), held(bea, convId)];
            seen = JSON.stringify({ log: log.length, ann: one.length, bea: other.length });
            return isEnd(log, one) && isEnd(log, other) && log.length >= least;
          },
          () => `${convId}: ${seen}`,
        );
      };
      sayAll('before', 5);
      await agree(group, 11);
      await agree(direct, 5);
      const file = path.join(directory, `${at}.sql`);
      await dump(database, file);
      sayAll('lost', 5);
      await agree(group, 21);
      await agree(direct, 10);
      const young = await ann.direct(`cleo${at}`);
      ann.send(young, 'a conversation that the dump has not heard of');
      await until(
        () => held(ann, young).length === 1,
        () => 'the young conversation never began',
      );
      const lost = (await stored(database, group)).slice(11).map(({ msgId }) => msgId);
      // Traffic all the while.
      let said = 0;
      const traffic = setInterval(() => {
        ann.send(group, `during ${said}`);
        bea.send(direct, `during ${said}`);
        said += 1;
      }, 100);
      try {
        await restore(database, file);
        await announce();
        const saidBefore = said;
        const isHeard = async () => {
          const log = await stored(database, group);
          const heard = new Set(held(ann, group).map(({ msgId }) => msgId));
          return (
            said > saidBefore + 10 && log.length > 11 && log.slice(11).some(({ msgId }) => heard.has(msgId))
          );
        };
        await until(isHeard, () => `after the restore ann has ${JSON.stringify(held(ann, group).slice(-3))}`);
      } finally {
        clearInterval(traffic);
      }
      await agree(group, 12);
      await agree(direct, 6);
      for (const client of [ann, bea])
        for (const { msgId } of held(client, group))
          assert.ok(!lost.includes(msgId), 'a lost entry was kept');
      await until(
        () => held(ann, young).length === 0,
        () => 'a conversation that is gone still has entries',
      );
      for (const name of ['m1', 'm2', 'e1', 'e2']) assert.deepEqual(cluster.get(name).complaints, []);
    });
});
