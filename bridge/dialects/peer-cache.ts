import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { callHeaders } from '../call-headers.ts';

const maxPairs = 20_000;
const timeoutMs = 5_000;

/** Who asks. */
export interface PeerAsker {
  readonly userId: string;
  /** Empty in development, where the name alone will do. */
  readonly token: string;
  readonly remoteAddress: string;
}

/** The two users of direct conversations, which never change: learnt from what passes by, else asked for. */
export class PeerCache {
  readonly #rpc: Transport;
  /** The least recently used first. */
  readonly #pairs = new Map<string, readonly [string, string]>();

  constructor(rpc: Transport) {
    this.#rpc = rpc;
  }

  learn(convId: string, one: string, other: string): void {
    this.#pairs.delete(convId);
    this.#pairs.set(convId, [one, other]);
    if (this.#pairs.size <= maxPairs) return;
    for (const oldest of this.#pairs.keys()) {
      this.#pairs.delete(oldest);
      return;
    }
  }

  /** Who receives what this user sends; undefined when it isn't known here. */
  receiverOf(convId: string, sender: string): string | undefined {
    const pair = this.#pairs.get(convId);
    if (pair === undefined) return undefined;
    return pair[0] === sender ? pair[1] : pair[0];
  }

  /** Asks who the other one is, as the asker. False when that can't be had. */
  async ask(convId: string, asker: PeerAsker): Promise<boolean> {
    const headers = callHeaders({
      authorization: asker.token === '' ? undefined : `Bearer ${asker.token}`,
      user: asker.token === '' ? asker.userId : undefined,
      remoteAddress: asker.remoteAddress,
    });
    const request = { target: { case: 'convId' as const, value: convId } };
    try {
      const { getConversation } = ConversationService.method;
      const answer = await withinTime(
        this.#rpc.unary(getConversation, undefined, timeoutMs, headers, request),
      );
      const peer = answer.message.conversation?.peer ?? '';
      if (peer === '') return false;
      this.learn(convId, asker.userId, peer);
      return true;
    } catch {
      // The message goes out without a receiver then, rather than with a wrong one.
      return false;
    }
  }
}

async function withinTime<T>(call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectError('timed out', Code.DeadlineExceeded)), timeoutMs);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
