import { ConnectError } from '@connectrpc/connect';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import type { Environment } from '../core/config.ts';
import { idProblem } from '../core/ids.ts';
import { AdminClient } from './admin-client.ts';
import { type Command, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';

/** `parley revoke`: asks a running server to revoke tokens. */
export function revokeCommand(env?: Environment): Command {
  return {
    name: 'revoke',
    operands: 'NAME',
    summary: 'Revoke the tokens of the user or service NAME, and end its sessions.',
    options: {
      device: { value: 'DEVICE', doc: 'Only this device, as it names itself; all of them unless given.' },
      server: { value: 'URL', doc: 'The server’s HTTP address; PARLEY_ADMIN_SERVER unless given.' },
    },
    least: 1,
    most: 1,
    async run(args, io) {
      const [userId = ''] = args.operands;
      const problem = idProblem(userId);
      if (problem !== undefined) throw new UsageError(`the name ${problem}`);
      const deviceId = oneValue(args, 'device') ?? '';
      const client = await AdminClient.connect(args, env);
      try {
        const { endsAtMs } = await client.of(AdminService).revokeTokens({ userId, deviceId });
        const whose = deviceId === '' ? userId : `${userId} on ${deviceId}`;
        const until = new Date(Number(endsAtMs)).toISOString();
        io.note(`tokens of ${whose} issued until now are revoked; kept until ${until}\n`);
        return 0;
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
        io.note(`parley: ${client.describe(error)}\n`);
        return 1;
      }
    },
  };
}
