import { after } from 'node:test';
import { devicesConformance } from '../../ports/devices.conformance.ts';
import { TestDatabase } from './testing/database.ts';
import { MySqlFixture } from './testing/mysql-fixture.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

devicesConformance('the store on MariaDB', () => MySqlFixture.open([database]));
