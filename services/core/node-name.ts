import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** The name that a node was given; else one made up for this run, by which people know the machine. */
export function nodeName(given: string): string {
  return given === '' ? `${hostname().slice(0, 40)}-${randomBytes(6).toString('hex')}` : given;
}
