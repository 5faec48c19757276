import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createChatClient } from '../sdk/client.ts';
import { defaultLimits } from '../sdk/limits.ts';
import { MemoryStorage } from '../sdk/storage-memory.ts';
import { GrpcTransport, type GrpcTransportOptions } from '../sdk/transport-grpc.ts';
import { type ChatClient, ChatError } from '../sdk/types.ts';
import { explain, describeReason } from './chat-lines.ts';
import { ChatRoom } from './chat-room.ts';
import { ChatScreen, type ChatStreams } from './chat-screen.ts';
import { type Arguments, type Command, type CommandIo, UsageError } from './cli/command.ts';
import { oneValue } from './cli/parse-arguments.ts';

const defaultServer = '127.0.0.1:9503';
/** Messages on their way at which no further line is taken: well below what the client refuses. */
const mostUnsent = defaultLimits.pendingSends / 2;
/** How long leaving waits for what was typed to be sent. */
const farewellMs = 5_000;

/** `parley chat`: a terminal client over gRPC, built on the client library. */
export function chatCommand(
  streams: ChatStreams = { input: process.stdin, output: process.stdout },
): Command {
  return {
    name: 'chat',
    operands: 'NAME',
    summary: 'Chat in the terminal as the user NAME.',
    options: {
      to: { value: 'USER', doc: 'Talk to this user.' },
      group: { value: 'GROUP', doc: 'Talk in this group.' },
      server: { value: 'HOST:PORT', doc: `The server’s gRPC port; ${defaultServer} unless given.` },
      token: { value: 'TOKEN', doc: 'A token of the user; a development server needs none.' },
      tls: { doc: 'The server speaks TLS.' },
      ca: {
        value: 'FILE',
        doc: 'It does, and these authorities (PEM) vouch for it, instead of those that Node trusts.',
      },
    },
    least: 1,
    most: 1,
    run: (args, io) => chat(args, io, streams),
  };
}

async function chat(args: Arguments, io: CommandIo, streams: ChatStreams): Promise<number> {
  const [name = ''] = args.operands;
  const to = oneValue(args, 'to');
  const group = oneValue(args, 'group');
  if (to !== undefined && group !== undefined) throw new UsageError('either --to or --group');
  const address = serverOf(oneValue(args, 'server'));
  const token = oneValue(args, 'token');
  const client = createChatClient({
    transport: new GrpcTransport({ address, tls: await tlsOf(args) }),
    storage: new MemoryStorage(),
    ...(token === undefined ? { userId: name } : { token }),
  });
  try {
    client.start();
    await online(client, address);
    if (client.userId !== name)
      throw new ChatError('otherUser', `the token is ${client.userId}’s, not ${name}’s`);
    return await talk(client, new ChatScreen(streams), { to, group });
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    io.note(`parley: ${explain(error)}\n`);
    return 1;
  } finally {
    await client.close();
  }
}

/** Resolves when the first attempt succeeds; rejects when it fails: nobody wants to wait for a server that isn't there. */
async function online(client: ChatClient, address: string): Promise<void> {
  await changed(client, () => client.state.t !== 'idle' && client.state.t !== 'connecting');
  const { state } = client;
  if (state.t === 'waiting')
    throw new ChatError(
      'serverUnreachable',
      `there is no Parley server at ${address} (${describeReason(state.reason)}); \`parley start\` starts one here, --server HOST:PORT names another`,
    );
  if (state.t === 'ended')
    throw new ChatError('serverRefused', `${address} refuses: ${describeReason(state.reason)}`);
}

async function talk(
  client: ChatClient,
  screen: ChatScreen,
  where: { readonly to: string | undefined; readonly group: string | undefined },
): Promise<number> {
  const room = new ChatRoom({ client, screen });
  try {
    if (screen.interactive) screen.print(`Signed in as ${client.userId}. /help says what you can do.`);
    if (where.to !== undefined) await room.talkTo(where.to);
    else if (where.group !== undefined) await room.joinGroup(where.group);
    for await (const line of screen.lines()) {
      await paced(client, room, screen);
      await room.take(line);
      if (room.left) break;
    }
    await sent(client, room);
    // Who types has read of what was refused; a script only sees how it ended.
    return room.unsent > 0 || (room.refused > 0 && !screen.interactive) ? 1 : 0;
  } finally {
    room.close();
    screen.close();
  }
}

/**
 * Waits while many messages are on their way: lines come out of a pipe faster than they are sent, and beyond its limit the
 * client refuses them. Whoever types without a connection is rather told than kept waiting.
 */
function paced(client: ChatClient, room: ChatRoom, screen: ChatScreen): Promise<void> {
  return changed(
    client,
    () =>
      room.unsent < mostUnsent ||
      client.state.t === 'ended' ||
      (screen.interactive && client.state.t !== 'online'),
  );
}

/** Waits until all that was typed is sent, for a while. */
async function sent(client: ChatClient, room: ChatRoom): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, farewellMs);
  });
  await Promise.race([changed(client, () => room.unsent === 0 || client.state.t === 'ended'), patience]);
  clearTimeout(timer);
}

function changed(client: ChatClient, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      stop();
      resolve();
    };
    const stop = client.onChange(look);
    look();
  });
}

async function tlsOf(args: Arguments): Promise<GrpcTransportOptions['tls']> {
  const file = oneValue(args, 'ca');
  if (file === undefined) return args.flags.has('tls');
  const authorities = await readFile(file).catch((error: Error) => {
    throw new UsageError(`--ca: ${error.message}`);
  });
  try {
    new X509Certificate(authorities);
  } catch {
    throw new UsageError(`--ca: ${file} has no certificates (PEM)`);
  }
  return { authorities };
}

function serverOf(text: string | undefined): string {
  if (text === undefined) return defaultServer;
  if (/^(\[[0-9a-fA-F:.]+\]|[^:/\s]+):\d{1,5}$/.test(text)) return text;
  throw new UsageError(`--server must be HOST:PORT, like ${defaultServer}; it is ${JSON.stringify(text)}`);
}
