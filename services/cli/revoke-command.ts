import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { idProblem } from '../core/ids.ts';
import type { Environment } from '../core/config.ts';
import { type Command, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';
import { tokensOf } from './token-command.ts';

const defaultServer = 'http://127.0.0.1:9501';
const answerWithinMs = 10_000;
/** The token that it calls with: as short as tokens may be. */
const ttlSeconds = 60;

/** `parley revoke`: asks a running server to revoke tokens, with a token of its own that it signs itself. */
export function revokeCommand(env?: Environment): Command {
  return {
    name: 'revoke',
    operands: 'NAME',
    summary: 'Revoke the tokens of the user or service NAME, and end its sessions.',
    options: {
      device: { value: 'DEVICE', doc: 'Only this device, as it names itself; all of them unless given.' },
      server: { value: 'URL', doc: `The server’s HTTP address; ${defaultServer} unless given.` },
    },
    least: 1,
    most: 1,
    async run(args, io) {
      const [userId = ''] = args.operands;
      const problem = idProblem(userId);
      if (problem !== undefined) throw new UsageError(`the name ${problem}`);
      const baseUrl = urlOf(oneValue(args, 'server') ?? defaultServer);
      const deviceId = oneValue(args, 'device') ?? '';
      const { token } = await (await tokensOf(env)).issueService('parley-cli', ['tokens'], ttlSeconds);
      const transport = createConnectTransport({
        baseUrl,
        httpVersion: '1.1',
        defaultTimeoutMs: answerWithinMs,
      });
      const headers = { authorization: `Bearer ${token}` };
      try {
        const { endsAtMs } = await createClient(AdminService, transport).revokeTokens(
          { userId, deviceId },
          { headers },
        );
        const whose = deviceId === '' ? userId : `${userId} on ${deviceId}`;
        const until = new Date(Number(endsAtMs)).toISOString();
        io.note(`tokens of ${whose} issued until now are revoked; kept until ${until}\n`);
        return 0;
      } catch (error) {
        const { code, rawMessage } = ConnectError.from(error);
        const away = code === Code.Unavailable || code === Code.DeadlineExceeded;
        io.note(`parley: ${away ? `${baseUrl}: ` : ''}${rawMessage}\n`);
        return 1;
      }
    },
  };
}

function urlOf(text: string): string {
  if (!/^https?:\/\/[^/?#\s]+\/?$/.test(text)) throw new UsageError(`--server must be like ${defaultServer}`);
  return text.replace(/\/$/, '');
}
