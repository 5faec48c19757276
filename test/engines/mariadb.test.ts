import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { askSql, MariaDb } from './mariadb.ts';

describe('MariaDB', () => {
  it('keeps what was committed, and its port, when it is killed, frozen and restarted', async () => {
    await using database = await MariaDb.start();
    const { port } = database;
    const connection = await database.connect();
    // Its end is what the test is about.
    connection.on('error', () => {});
    await connection.query('CREATE DATABASE chat');
    await connection.query('CREATE TABLE chat.entry (seq BIGINT PRIMARY KEY)');
    await connection.query('INSERT INTO chat.entry VALUES (1)');
    await database.kill();
    await assert.rejects(askSql(port, 'SELECT 1'), { code: 'ECONNREFUSED' });
    await database.restart();
    const rows = await askSql(port, 'SELECT seq FROM chat.entry');
    assert.deepEqual(
      rows.map((row) => ({ ...(row as object) })),
      [{ seq: 1 }],
    );
    database.freeze();
    await assert.rejects(askSql(port, 'SELECT 1'), { code: 'ETIMEDOUT' });
    database.thaw();
    await askSql(port, 'SELECT 1');
  });

  it('leaves nothing behind', async () => {
    const database = await MariaDb.start();
    const [data] = (await askSql(database.port, 'SELECT @@datadir AS path')) as { path: string }[];
    assert.ok(existsSync(data?.path ?? ''));
    await database[Symbol.asyncDispose]();
    assert.ok(!existsSync(data?.path ?? ''));
    await assert.rejects(askSql(database.port, 'SELECT 1'), { code: 'ECONNREFUSED' });
  });

  it('says what it does not take', async () => {
    await assert.rejects(MariaDb.start({ settings: ['--no-such-option=1'] }), {
      message: /unknown variable 'no-such-option=1'/,
    });
  });
});
