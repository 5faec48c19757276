import { MariaDb } from '../../test/engines/mariadb.ts';

/** A MariaDB with room for a benchmark, and the table that the baseline's server inserts into. */
export async function startChatDatabase(): Promise<MariaDb> {
  const database = await MariaDb.start({
    settings: ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M'],
  });
  const connection = await database.connect();
  try {
    await connection.query('CREATE DATABASE chat');
    await connection.query(
      'CREATE TABLE chat.messages (id BIGINT AUTO_INCREMENT PRIMARY KEY, conv VARCHAR(80) NOT NULL, ' +
        'sender VARCHAR(64) NOT NULL, body TEXT NOT NULL, ts BIGINT NOT NULL, KEY (conv, id)) ENGINE=InnoDB',
    );
  } finally {
    await connection.end();
  }
  return database;
}
