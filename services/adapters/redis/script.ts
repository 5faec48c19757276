import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua file beside this one: what it does happens whole or not at all. */
export interface Script {
  readonly source: string;
  /** By which Redis knows it once it has run. */
  readonly sha: string;
}

/** Reads `<name>.lua`. */
export function loadScript(name: string): Script {
  const source = readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8');
  return { source, sha: hash('sha1', source) };
}
