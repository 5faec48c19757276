import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Consumer, stringDeserializers } from '@platformatic/kafka';
import { createConnection } from 'mysql2/promise';
import { askKafka } from './kafka-broker.ts';
import { askSql } from './mariadb.ts';
import { askRedis } from './redis-server.ts';
import { kafka, mariaDb, redis } from './shared.ts';

describe('shared engines', () => {
  it("MariaDB: a schema of one's own, dropped on dispose", async () => {
    await using other = await mariaDb();
    let port: number;
    let mine: string;
    {
      await using schema = await mariaDb();
      ({
        database: mine,
        address: { port },
      } = schema);
      assert.notEqual(mine, other.database);
      const connection = await createConnection(schema.url);
      await connection.query('CREATE TABLE message (seq BIGINT PRIMARY KEY)');
      await connection.end();
      const [durable] = await askSql(port, 'SELECT @@innodb_flush_log_at_trx_commit AS at');
      assert.deepEqual({ ...(durable as object) }, { at: 1 });
    }
    const left = (await askSql(port, 'SHOW DATABASES')).map((row) => (row as { Database: string }).Database);
    assert.ok(!left.includes(mine));
    assert.ok(left.includes(other.database));
  });

  it("Redis: keys of one's own, deleted on dispose", async () => {
    await using other = await redis();
    await askRedis(other.port, 'SET', `${other.prefix}stays`, '1');
    let mine: string;
    {
      await using keys = await redis();
      mine = keys.prefix;
      for (let i = 0; i < 2_500; i += 500)
        await askRedis(
          keys.port,
          'MSET',
          ...Array.from({ length: 500 }, (_, n) => [`${mine}${i + n}`, '1']).flat(),
        );
    }
    assert.deepEqual(await askRedis(other.port, 'KEYS', `${mine}*`), []);
    assert.equal(await askRedis(other.port, 'GET', `${other.prefix}stays`), '1');
  });

  it("Kafka: topics and groups of one's own, deleted on dispose", async () => {
    await using other = await kafka();
    const port = Number(other.brokers[0]?.split(':')[1]);
    await askKafka(port, (admin) => admin.createTopics({ topics: [`${other.prefix}stays`] }));
    let mine: string;
    {
      await using topics = await kafka();
      mine = topics.prefix;
      const topic = `${mine}events`;
      await askKafka(port, (admin) => admin.createTopics({ topics: [topic], partitions: 2 }));
      const groupId = `${mine}readers`;
      const consumer = new Consumer({
        clientId: 'test',
        groupId,
        bootstrapBrokers: topics.brokers,
        deserializers: stringDeserializers,
      });
      await consumer.joinGroup();
      await assert.rejects(async () => topics[Symbol.asyncDispose]());
      await consumer.close();
      const groups = await askKafka(port, (admin) => admin.listGroups());
      assert.ok(groups.has(groupId));
    }
    const seen = await askKafka(port, async (admin) => [
      ...(await admin.listTopics()),
      ...(await admin.listGroups()).keys(),
    ]);
    assert.deepEqual(
      seen.filter((name) => name.startsWith(mine)),
      [],
    );
    assert.ok(seen.includes(`${other.prefix}stays`));
  });
});
