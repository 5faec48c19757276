import { existsSync } from 'node:fs';
import { readFile, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { levelDirectory } from '../adapters/embedded/store-thread.ts';
import { storeDirectory } from '../open-store.ts';
import type { Config } from '../options.ts';
import { type Finding, Findings } from './finding.ts';

const gibibyte = 1024 ** 3;
const fewFiles = 65_536;

/** This machine: room on its disk, files that may be open, ports, and who may read what is secret. */
export async function lookAtMachine(config: Config): Promise<readonly Finding[]> {
  const findings = new Findings('machine');
  const { dataDir } = config.core;
  if (existsSync(dataDir)) {
    await disk(dataDir, findings);
    if (config.mysql.url === '') await lock(join(storeDirectory(config), levelDirectory, 'LOCK'), findings);
    for (const name of ['master.keys', 'token.secret'])
      if (existsSync(join(dataDir, name))) await readers(join(dataDir, name), findings);
  } else if (config.mysql.url === '')
    findings.warning(`There is no data directory ${dataDir} yet.`, 'The server makes it when it starts.');
  await openFiles(findings);
  await ports(config, findings);
  return findings.all;
}

async function disk(directory: string, findings: Findings): Promise<void> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(directory);
  const [free, whole] = [bavail * bsize, blocks * bsize];
  const share = free / whole;
  const words = `${(free / gibibyte).toFixed(1)} GiB (${Math.round(100 * share)} %) of the disk of ${directory} are free.`;
  const advice = 'Make room: when it is full, sends are refused.';
  if (free < 0.25 * gibibyte || share < 0.03) findings.error(words, advice);
  else if (free < 2 * gibibyte || share < 0.1) findings.warning(words, advice);
  else findings.ok(words);
  if (files > 0 && ffree / files < 0.03)
    findings.error(`The file system of ${directory} is almost out of inodes.`, 'Remove small files.');
}

/** Who has the store open, as Linux tells it. */
async function lock(file: string, findings: Findings): Promise<void> {
  const inode = await stat(file).then(
    ({ ino }) => ino,
    () => undefined,
  );
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '');
  if (inode === undefined || locks === '') return;
  const [, pid] = new RegExp(` (\\d+) [0-9a-f]+:[0-9a-f]+:${inode} `).exec(locks) ?? [];
  findings.ok(
    pid === undefined
      ? 'No process has the store open.'
      : `Process ${pid} has the store open: a second server would refuse to start on it.`,
  );
}

async function readers(file: string, findings: Findings): Promise<void> {
  const { mode } = await stat(file);
  if (process.platform === 'win32' || (mode & 0o077) === 0) findings.ok(`${file} is its owner's alone.`);
  else
    findings.error(
      `${file} may be read by others (mode ${(mode & 0o777).toString(8)}): whoever reads it reads everything.`,
      `chmod 600 ${file}, and change what is in it if others use this machine.`,
    );
}

/** As Linux tells it of this process; where it is started otherwise, the server may have another limit. */
async function openFiles(findings: Findings): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits) ?? [];
  if (soft === undefined || soft === 'unlimited') return;
  if (Number(soft) >= fewFiles) findings.ok(`${soft} files may be open at once.`);
  else
    findings.warning(
      `A process started here may have ${soft} files open at once: so many clients can connect, at most.`,
      `Raise it: ulimit -n ${fewFiles}, or LimitNOFILE=${fewFiles} in the unit.`,
    );
}

/** Ports in use are no trouble where it is the server itself that uses them: that is for who looks to know. */
async function ports(
  { core, bridge, grpc, node, cluster, telemetry }: Config,
  findings: Findings,
): Promise<void> {
  const wanted: readonly (readonly [string, string, number])[] = [
    ['PARLEY_HTTP_PORT', core.host, bridge.httpPort],
    ['PARLEY_WS_PORT', core.host, bridge.wsPort],
    ['PARLEY_GRPC_PORT', core.host, grpc.port],
    ['PARLEY_NODE_PORT', node.host, node.port],
    ['PARLEY_LINK_PORT', cluster.linkHost, cluster.linkPort],
    ['PARLEY_METRICS_PORT', telemetry.host, telemetry.port],
  ];
  const used: string[] = [];
  for (const [env, host, port] of wanted) {
    if (port === 0) continue;
    const problem = await bindProblem(host, port);
    if (problem === 'EADDRINUSE') used.push(`${port} (${env})`);
    else if (problem !== undefined)
      findings.error(
        `${host}:${port} can't be listened on: ${problem}.`,
        `Change the address, or ${env}; ports below 1024 need CAP_NET_BIND_SERVICE.`,
      );
  }
  if (used.length === 0) findings.ok('All ports are free: no server runs here now.');
  else findings.ok(`In use, by a server that runs here or by something else: ${used.join(', ')}.`);
}

function bindProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
