import { after } from 'node:test';
import { freePort } from '../engines/free-port.ts';
import { reloadOf } from './suites/reload.ts';
import { ServerProcess } from './support/server-process.ts';

const ports = { http: await freePort(), grpc: await freePort() };
const server = await ServerProcess.start({ ports });
after(() => server[Symbol.asyncDispose]());

reloadOf(server, { reloads: 22, offlines: 20, kills: 8 });
