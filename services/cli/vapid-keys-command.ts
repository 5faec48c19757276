import { access } from 'node:fs/promises';
import { createOnce } from '../core/create-once.ts';
import { makeVapidKeys, vapidKeyFile } from '../push/providers/vapid-keys.ts';
import type { Command } from './command.ts';

/** `parley vapid-keys`: makes the keys of Web Push. Browsers are subscribed with them: there is one pair for good. */
export function vapidKeysCommand(): Command {
  return {
    name: 'vapid-keys',
    operands: '[FILE]',
    summary: 'Make the keys of Web Push, in a file that only you can read.',
    options: {},
    least: 0,
    most: 1,
    async run({ operands: [file] }, io) {
      const keys = makeVapidKeys();
      const content = `${vapidKeyFile(keys)}\n`;
      if (file === undefined) {
        io.out(content);
        return 0;
      }
      // Whoever lost these keys would have to subscribe all browsers anew.
      if (await exists(file)) {
        io.note(`parley: ${file} is there already, and stays as it is\n`);
        return 1;
      }
      await createOnce(file, content);
      io.out(`${keys.publicKey}\n`);
      io.note(`the public key; both are in ${file}, for PARLEY_VAPID_KEYS\n`);
      return 0;
    },
  };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
