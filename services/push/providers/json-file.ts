import { readFile } from 'node:fs/promises';

/**
 * What a file that holds secrets says as JSON. Throws what `say` makes of why it can't be read, which shows nothing of
 * the file.
 */
export async function readJsonFile(path: string, say: (what: string) => Error): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw say(error.message);
  });
  try {
    return JSON.parse(text);
  } catch {
    // Its words would quote what may be a key.
    throw say('is no JSON');
  }
}
