import { chatCommand } from './chat-command.ts';
import { adminCommand } from './cli/admin-command.ts';
import { exportCommand, importCommand } from './cli/archive-command.ts';
import { backupCommand, restoreCommand } from './cli/backup-command.ts';
import { checkCommand } from './cli/check-command.ts';
import { deadLettersCommand } from './cli/dead-letters-command.ts';
import { doctorCommand } from './cli/doctor-command.ts';
import { revokeCommand } from './cli/revoke-command.ts';
import { renewEpochCommand } from './cli/renew-epoch-command.ts';
import { startCommand } from './cli/start-command.ts';
import { tokenCommand } from './cli/token-command.ts';
import { vapidKeysCommand } from './cli/vapid-keys-command.ts';

/** All that `parley` can be asked for, in the order in which its help says so. */
export const commands = [
  startCommand(),
  chatCommand(),
  tokenCommand(),
  revokeCommand(),
  adminCommand(),
  doctorCommand(),
  checkCommand(),
  backupCommand(),
  restoreCommand(),
  exportCommand(),
  importCommand(),
  renewEpochCommand(),
  deadLettersCommand(),
  vapidKeysCommand(),
];
