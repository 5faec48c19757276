import type { Command } from './cli/command.ts';

/** All that `parley` can be asked for, in the order in which its help says so. */
const loaders: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['start', async () => (await import('./cli/start-command.ts')).startCommand()],
  ['chat', async () => (await import('./chat-command.ts')).chatCommand()],
  ['token', async () => (await import('./cli/token-command.ts')).tokenCommand()],
  ['revoke', async () => (await import('./cli/revoke-command.ts')).revokeCommand()],
  ['admin', async () => (await import('./cli/admin-command.ts')).adminCommand()],
  ['doctor', async () => (await import('./cli/doctor-command.ts')).doctorCommand()],
  ['check', async () => (await import('./cli/check-command.ts')).checkCommand()],
  ['backup', async () => (await import('./cli/backup-command.ts')).backupCommand()],
  ['restore', async () => (await import('./cli/backup-command.ts')).restoreCommand()],
  ['export', async () => (await import('./cli/archive-command.ts')).exportCommand()],
  ['import', async () => (await import('./cli/archive-command.ts')).importCommand()],
  ['renew-epoch', async () => (await import('./cli/renew-epoch-command.ts')).renewEpochCommand()],
  ['dead-letters', async () => (await import('./cli/dead-letters-command.ts')).deadLettersCommand()],
  ['vapid-keys', async () => (await import('./cli/vapid-keys-command.ts')).vapidKeysCommand()],
]);

/** The command of this name alone, since each would load more than the others need; all where there is none. */
export async function commandsFor(name?: string): Promise<readonly Command[]> {
  const asked = name === undefined ? undefined : loaders.get(name);
  return Promise.all((asked === undefined ? [...loaders.values()] : [asked]).map((load) => load()));
}
