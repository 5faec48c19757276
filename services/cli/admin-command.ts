import { ConnectError } from '@connectrpc/connect';
import type { Environment } from '../core/config.ts';
import { nearest } from '../core/config.ts';
import { AdminClient } from './admin-client.ts';
import { adminVerbs } from './admin-verbs.ts';
import { type Command, UsageError } from './command.ts';

const names = Object.keys(adminVerbs);

/** `parley admin`: what the page `/admin` does, from a terminal. `env` is the process's unless given. */
export function adminCommand(env?: Environment): Command {
  return {
    name: 'admin',
    operands: `${names.join('|')} [OF WHAT]`,
    summary: 'Look after a running server or cluster, by any of its edges.',
    options: {
      server: { value: 'URL', doc: 'The server’s HTTP address; PARLEY_ADMIN_SERVER unless given.' },
      json: { doc: 'Answer in JSON, for programs.' },
      device: { value: 'DEVICE', doc: 'kick, revoke: only this device, as it names itself.' },
      limit: { value: 'N', doc: 'How many are listed, at most.' },
      after: { value: 'TOKEN', doc: 'group, audit: the next page, as the one before names it.' },
      tokens: { doc: 'audit: issued tokens, too.' },
    },
    least: 1,
    most: 1_002,
    async run(args, io) {
      const [name = '', ...operands] = args.operands;
      const verb = Object.hasOwn(adminVerbs, name) ? adminVerbs[name] : undefined;
      if (verb === undefined) {
        const near = nearest(name, names);
        throw new UsageError(
          `admin has no ${name}${near === undefined ? `: ${names.join(', ')}` : `; did you mean ${near}?`}`,
        );
      }
      if (operands.length < verb.least || operands.length > verb.most)
        throw new UsageError(`parley admin ${name} ${verb.operands}: ${verb.doc}`.replace(' :', ':'));
      const client = await AdminClient.connect(args, env);
      try {
        const { json, text, note, partial } = await verb.run(client, operands, args);
        io.out(args.flags.has('json') ? `${JSON.stringify(json, undefined, 2)}\n` : text);
        if (note !== undefined) io.note(`${note}\n`);
        return partial === true ? 1 : 0;
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
        io.note(`parley: ${client.describe(error)}\n`);
        return 1;
      }
    },
  };
}
