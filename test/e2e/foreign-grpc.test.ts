import { after } from 'node:test';
import { foreignGrpcOf } from './suites/foreign-grpc.ts';
import { ServerProcess } from './support/server-process.ts';

const server = await ServerProcess.start();
after(() => server[Symbol.asyncDispose]());

foreignGrpcOf(server);
