import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../paths.ts';

const run = promisify(execFile);

/** Has the kernel give a gateway what deploy/gateway/sysctl.conf says. `command` runs others in its network. */
export async function setGatewayKernel(command: readonly string[]): Promise<void> {
  const text = await readFile(join(root, 'deploy', 'gateway', 'sysctl.conf'), 'utf8');
  for (const [, name = '', value = ''] of text.matchAll(/^(net\S+) = (.+)$/gm)) {
    // Not every machine has the program that takes the file as it is.
    const write = ['sh', '-c', 'echo "$1" > "/proc/sys/$0"', name.replaceAll('.', '/'), value];
    const [program, ...args] = [...command, ...write] as [string, ...string[]];
    await run(program, args);
  }
}
