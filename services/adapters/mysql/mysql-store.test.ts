import { after } from 'node:test';
import { messageStoreConformance } from '../../ports/message-store.conformance.ts';
import { TestDatabase } from './testing/database.ts';
import { MySqlFixture } from './testing/mysql-fixture.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

messageStoreConformance('the store on MariaDB', () => MySqlFixture.open([database]));
