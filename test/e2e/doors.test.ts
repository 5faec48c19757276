import { after } from 'node:test';
import { doorsOf } from './suites/doors.ts';
import { ServerProcess } from './support/server-process.ts';

const server = await ServerProcess.start();
after(() => server[Symbol.asyncDispose]());

doorsOf(server);
