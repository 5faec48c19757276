import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded ahead of each test file: a file whose tests are over, and which something keeps alive all the same (a server
 * that nobody closed, a client that connects again for ever), fails by saying so. It would hang for ever otherwise, with
 * nothing of what its tests have found ever told.
 */

/** Long enough for hooks that stop a cluster. */
const withinMs = 120_000;

/** Not the threads and processes that a file starts. */
const isTestFile = isMainThread && /\.(test|long)\.ts$/.test(process.argv[1] ?? '');

if (isTestFile)
  after(() => {
    setTimeout(() => {
      const kept = process.getActiveResourcesInfo().join(', ');
      process.stderr.write(
        `${process.argv[1]} does not end ${withinMs} ms after its tests, for it has ${kept}\n`,
      );
      process.exit(1);
    }, withinMs).unref();
  });
