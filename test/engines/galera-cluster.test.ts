import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../e2e/support/until.ts';
import { GaleraCluster, type GaleraNode } from './galera-cluster.ts';
import { askSql } from './mariadb.ts';

async function count(node: GaleraNode): Promise<number> {
  // Waits for what other nodes have committed already.
  const [row] = await askSql(
    node.address.port,
    'SET STATEMENT wsrep_sync_wait = 1 FOR SELECT COUNT(*) AS n FROM chat.entry',
  );
  return (row as { n: number }).n;
}

describe('Galera', () => {
  it('commits on all nodes; a majority goes on without a killed or a frozen one, which catches up', async () => {
    await using cluster = await GaleraCluster.start();
    const [one, two, three] = cluster.nodes as [GaleraNode, GaleraNode, GaleraNode];
    const connection = await one.connect();
    try {
      await connection.query('CREATE DATABASE chat');
      await connection.query('CREATE TABLE chat.entry (seq BIGINT PRIMARY KEY)');
      await connection.query('INSERT INTO chat.entry VALUES (1)');
      assert.equal(await count(two), 1);
      await three.kill();
      // Waits while the others find out, if it has to.
      await connection.query('INSERT INTO chat.entry VALUES (2)');
      assert.equal(await count(two), 2);
      await three.restart();
      assert.equal(await count(three), 2);
      two.freeze();
      await connection.query('INSERT INTO chat.entry VALUES (3)');
      assert.equal(await count(three), 3);
      two.thaw();
      await until(
        () =>
          count(two).then(
            (n) => n === 3,
            () => false,
          ),
        () => 'the frozen node is not in step again',
      );
    } finally {
      await connection.end();
    }
  });
});
