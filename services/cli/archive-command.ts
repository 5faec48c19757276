import { openEmbeddedSource } from '../adapters/embedded/archive-source.ts';
import { openEmbeddedTarget } from '../adapters/embedded/archive-target.ts';
import { openMySqlSource } from '../adapters/mysql/archive-source.ts';
import { openMySqlTarget } from '../adapters/mysql/archive-target.ts';
import { mySqlOptions } from '../adapters/mysql/options.ts';
import { exportStore } from '../archive/export-run.ts';
import { importArchive } from '../archive/import-run.ts';
import { type Manifest, tablesOf } from '../archive/manifest.ts';
import { archiveOptions } from '../archive/options.ts';
import { systemClock } from '../core/clock.ts';
import { type ConfigOf, type Environment, loadConfig } from '../core/config.ts';
import { coreOptions } from '../core/core-options.ts';
import { KeyRing, type MasterKey } from '../core/seal.ts';
import { givenMasterKeys, storeDirectory } from '../open-store.ts';
import { storeOptions } from '../options.ts';
import { archiveTables, type StoreSource, type StoreTarget } from '../ports/store-archive.ts';
import { type Arguments, type Command, type CommandIo, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';
import { recordByHand } from './terminal-trail.ts';
import { ProgressLine } from './progress-line.ts';
import { told } from './told.ts';

const tables = { core: coreOptions, store: storeOptions, mysql: mySqlOptions, archive: archiveOptions };
type ArchiveConfig = ConfigOf<typeof tables>;

/** `parley export --to DIR`: the configured store, MySQL or embedded, into files. `env` is the process's unless given. */
export function exportCommand(env?: Environment): Command {
  return {
    name: 'export',
    operands: '',
    summary: 'Write the store into a directory, from which `parley import` fills another one.',
    options: {
      to: { value: 'DIR', doc: 'Where to; an export that was cut off goes on.' },
    },
    least: 0,
    most: 0,
    run: (args, io) =>
      told(io, async () => {
        const directory = directoryOf(args, 'to');
        const config = loadConfig(tables, env);
        await using source = await openSource(config, await givenMasterKeys(config), io);
        const manifest = await exportStore({
          source,
          directory,
          partBytes: config.archive.partBytes,
          nowMs: () => systemClock.wallMs(),
          progress: progressOf(io),
        });
        sayTables(manifest, io);
        io.out(`exported to ${directory}; its master keys are not in it: take them along\n`);
      }),
  };
}

/** `parley import --from DIR`: an export into the configured store, which must be empty. */
export function importCommand(env?: Environment): Command {
  return {
    name: 'import',
    operands: '',
    summary: 'Fill an empty store from an export.',
    options: {
      from: { value: 'DIR', doc: 'What `parley export` wrote; an import that was cut off goes on.' },
    },
    least: 0,
    most: 0,
    run: (args, io) =>
      told(io, async () => {
        const directory = directoryOf(args, 'from');
        const config = loadConfig(tables, env);
        const masterKeys = await givenMasterKeys(config);
        const { manifest, epoch, before } = await importArchive({
          directory,
          keys: new KeyRing(masterKeys),
          openTarget: () => openTarget(config, masterKeys, io),
          progress: progressOf(io),
        });
        sayTables(manifest, io);
        io.out(before ? `imported before; the epoch is ${epoch}\n` : `imported; the epoch is now ${epoch}\n`);
        const act = { action: 'store.import', target: epoch, details: { from: directory } };
        if (!before) await recordByHand(config, masterKeys, act);
      }),
  };
}

function directoryOf(args: Arguments, name: string): string {
  const directory = oneValue(args, name);
  if (directory === undefined || directory === '') throw new UsageError(`--${name} DIR must be given`);
  return directory;
}

function openSource(
  config: ArchiveConfig,
  masterKeys: readonly MasterKey[],
  io: CommandIo,
): Promise<StoreSource> {
  return config.mysql.url === ''
    ? openEmbeddedSource(storeDirectory(config), masterKeys)
    : openMySqlSource({ config: config.mysql, masterKeys, ...alone(io) });
}

function openTarget(
  config: ArchiveConfig,
  masterKeys: readonly MasterKey[],
  io: CommandIo,
): Promise<StoreTarget> {
  return config.mysql.url === ''
    ? openEmbeddedTarget(storeDirectory(config), masterKeys)
    : openMySqlTarget({ config: config.mysql, masterKeys, ...alone(io) });
}

function alone(io: CommandIo) {
  return {
    nowMs: () => systemClock.wallMs(),
    onWait: (untilMs: number) =>
      io.note(
        `a server holds its lease until ${new Date(untilMs).toISOString()}: waiting whether it has ended\n`,
      ),
  };
}

function progressOf(io: CommandIo): ProgressLine {
  return new ProgressLine({ io, nowMs: () => systemClock.monotonicMs() });
}

function sayTables(manifest: Manifest, io: CommandIo): void {
  const digests = tablesOf(manifest);
  for (const table of archiveTables) {
    const { rows, sha256 } = digests[table];
    io.out(`${table.padEnd(12)} ${String(rows).padStart(12)} rows  sha256 ${sha256}\n`);
  }
}
