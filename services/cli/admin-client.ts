import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { adminClientOptions } from '../admin/client-options.ts';
import { type Environment, loadConfig } from '../core/config.ts';
import { idProblem } from '../core/ids.ts';
import { type Arguments, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';
import { terminalName } from './terminal-name.ts';
import { tokensOf } from './token-command.ts';

/** A replay of dead letters is given a minute. */
const answerWithinMs = 60_000;
const ownTtlSeconds = 60;

/** Calls a running server as an administrator. */
export class AdminClient {
  readonly baseUrl: string;
  readonly #token: string;

  private constructor(baseUrl: string, token: string) {
    this.baseUrl = baseUrl;
    this.#token = token;
  }

  /** The server of `--server` or PARLEY_ADMIN_SERVER; with PARLEY_ADMIN_TOKEN, or a token signed here and now. */
  static async connect(args: Arguments, env?: Environment): Promise<AdminClient> {
    const { admin } = loadConfig({ admin: adminClientOptions }, env);
    const baseUrl = urlOf(oneValue(args, 'server') ?? admin.server);
    return new AdminClient(baseUrl, admin.token === '' ? await ownToken(env) : admin.token);
  }

  of<Service extends DescService>(service: Service): Client<Service> {
    const transport = createConnectTransport({
      baseUrl: this.baseUrl,
      httpVersion: '1.1',
      defaultTimeoutMs: answerWithinMs,
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${this.#token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }

  /** What went wrong with a call, in words. */
  describe(error: unknown): string {
    const { code, rawMessage } = ConnectError.from(error);
    const away = code === Code.Unavailable || code === Code.DeadlineExceeded;
    return `${away ? `${this.baseUrl}: ` : ''}${rawMessage}`;
  }
}

/** Beside the server its secret is at hand. The name tells the audit log who it was. */
async function ownToken(env?: Environment): Promise<string> {
  const name = terminalName().slice(0, 64);
  const actor = idProblem(name) === undefined ? name : 'cli';
  const { token } = await (await tokensOf(env)).issueService(actor, ['admin', 'tokens'], ownTtlSeconds);
  return token;
}

function urlOf(text: string): string {
  if (!/^https?:\/\/[^/?#\s]+\/?$/.test(text))
    throw new UsageError('--server must be like http://127.0.0.1:9501');
  return text.replace(/\/$/, '');
}
