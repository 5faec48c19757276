import { EngineHost } from './engine-host.ts';
import { hostVariable } from './shared.ts';

/** For `node --test --test-global-setup`: one set of engines for all test files, each started once it is asked for. */

const host = new EngineHost();

export async function globalSetup(): Promise<void> {
  process.env[hostVariable] = await host.listen();
}

export async function globalTeardown(): Promise<void> {
  await host[Symbol.asyncDispose]();
}
