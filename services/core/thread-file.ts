import { extname } from 'node:path';

/**
 * The file of a worker thread, beside the module that starts it (`import.meta.url`) and written as that is: TypeScript in
 * a checkout, JavaScript in the package.
 */
export function threadFile(name: string, startedBy: string): URL {
  return new URL(`./${name}${extname(startedBy)}`, startedBy);
}
