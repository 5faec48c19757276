import { setTimeout as sleep } from 'node:timers/promises';
import { backupDirectory } from '../adapters/embedded/backup-directory.ts';
import { restoreDirectory } from '../adapters/embedded/restore-directory.ts';
import { mySqlOptions } from '../adapters/mysql/options.ts';
import { ArchiveError } from '../archive/archive-error.ts';
import { type AskedBackup, askBackup } from '../archive/ask-backup.ts';
import { keepBackup } from '../archive/keep-backup.ts';
import { restoreBackup, surveyBackup } from '../archive/restore-run.ts';
import { sendBackup } from '../archive/send-backup.ts';
import { systemClock } from '../core/clock.ts';
import { type ConfigOf, type Environment, loadConfig } from '../core/config.ts';
import { coreOptions } from '../core/core-options.ts';
import { aheadAtMostMs } from '../core/snowflake.ts';
import { backupSocket, givenMasterKeys, storeDirectory } from '../open-store.ts';
import { storeOptions } from '../options.ts';
import { type Arguments, type Command, type CommandIo, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';
import { recordByHand } from './terminal-trail.ts';
import { ProgressLine } from './progress-line.ts';
import { told } from './told.ts';

const tables = { core: coreOptions, store: storeOptions, mysql: mySqlOptions };
type BackupConfig = ConfigOf<typeof tables>;

/** `parley backup DIR`: the store of the data directory into one file, whether a server runs on it or not. */
export function backupCommand(env?: Environment): Command {
  return {
    name: 'backup',
    operands: 'DIR',
    summary: 'Write a backup of the data directory’s store into DIR, also while the server runs.',
    options: {
      keep: { value: 'N', doc: 'Keep the newest N backups in DIR and remove older ones; all unless given.' },
    },
    least: 1,
    most: 1,
    run: (args, io) =>
      told(io, async () => {
        const [directory = ''] = args.operands;
        const keep = keepOf(args);
        const config = embeddedConfig(env);
        await using asked = (await askBackup(backupSocket(config))) ?? (await coldBackup(config));
        const { file, bytes, rows, sha256, removed } = await keepBackup({
          chunks: asked.chunks,
          directory,
          keep,
          nowMs: () => systemClock.wallMs(),
          progress: progressOf(io),
        });
        await asked.kept();
        io.out(`${file}  ${rows} rows, ${bytes} bytes, sha256 ${sha256}\n`);
        for (const name of removed) io.out(`removed ${name}\n`);
        io.note('the master keys are not in it: keep a copy of them elsewhere\n');
      }),
  };
}

/** `parley restore FILE`: a backup into a data directory that has no store; or looks whether it is whole. */
export function restoreCommand(env?: Environment): Command {
  return {
    name: 'restore',
    operands: 'FILE',
    summary: 'Make the data directory’s store out of a backup. Clients start over.',
    options: {
      check: { doc: 'Read the backup and say whether it is whole; nothing is restored.' },
    },
    least: 1,
    most: 1,
    run: (args, io) =>
      told(io, async () => {
        const [file = ''] = args.operands;
        const progress = progressOf(io);
        if (args.flags.has('check')) {
          const { head, rows, bytes, sha256 } = await surveyBackup(file, progress);
          const at = new Date(head.createdAtMs).toISOString();
          io.out(`whole: of ${at}, ${rows} rows, ${bytes} bytes, sha256 ${sha256}\n`);
          return;
        }
        const config = embeddedConfig(env);
        const masterKeys = await givenMasterKeys(config);
        const { epoch, rows, head } = await restoreBackup({
          file,
          openTarget: (of) => restoreDirectory(storeDirectory(config), of, masterKeys),
          nowMs: () => systemClock.wallMs(),
          progress,
        });
        // The lost server's ids may have been ahead of the clock by as much: none of them is drawn again.
        await sleep(aheadAtMostMs);
        const at = new Date(head.createdAtMs).toISOString();
        io.out(`${rows} rows as they were at ${at}; the epoch is now ${epoch}\n`);
        const act = { action: 'store.restore', target: epoch, details: { from: file } };
        await recordByHand(config, masterKeys, act);
      }),
  };
}

function keepOf(args: Arguments): number | undefined {
  const text = oneValue(args, 'keep');
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new UsageError(`--keep takes a number from 1 on, not ${JSON.stringify(text)}`);
  return Number(text);
}

function embeddedConfig(env: Environment | undefined): BackupConfig {
  const config = loadConfig(tables, env);
  if (config.mysql.url !== '')
    throw new ArchiveError(
      'PARLEY_MYSQL_URL names a database, which is backed up by its own programs: docs/backups.md has the commands',
    );
  return config;
}

/** Of a store that no server has open. */
async function coldBackup(config: BackupConfig): Promise<AskedBackup> {
  const backup = await backupDirectory(storeDirectory(config));
  return {
    chunks: sendBackup({ backup, clock: systemClock, bytesPerSecond: 0, sleep }),
    kept: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => backup[Symbol.asyncDispose](),
  };
}

function progressOf(io: CommandIo): ProgressLine {
  return new ProgressLine({ io, nowMs: () => systemClock.monotonicMs() });
}
