import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** The environment for the project's own tools, also where npm has not put them on the path. */
export const toolEnv = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter),
};

/** For node: a test file that does not end when its tests do, fails. */
export const endOfFile = '--import=./test/engines/end-of-file.ts';
