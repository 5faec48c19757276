import assert from 'node:assert/strict';
import { after } from 'node:test';
import { isFree } from '../engines/free-port.ts';
import { sourceFixturesOf, sourcePort } from './suites/source-fixtures.ts';
import { ServerProcess } from './support/server-process.ts';

assert.ok(
  await isFree(sourcePort),
  `port ${sourcePort} is taken: the fixtures connect to it, so whatever listens there has to be stopped first`,
);
const server = await ServerProcess.start({ ports: { ws: sourcePort } });
after(() => server[Symbol.asyncDispose]());

sourceFixturesOf(server);
