import { create, fromBinary } from '@bufbuild/protobuf';
import type { ConversationState } from '../../../gen/parley/chat/v1/conversation_pb.ts';
import { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import {
  ChangesSchema,
  type KnownConversation,
  KnownConversationSchema,
  SendSchema,
  SyncSchema,
} from '../../../gen/parley/chat/v1/session_pb.ts';
import { userName } from '../client.ts';
import type { PoolMember, SyncOutcome } from '../pool.ts';
import { eventField } from './events.ts';
import { errorText, Session } from './session.ts';
import { wsTransport } from './transport.ts';

/** What a device remembers while it is offline. */
export interface Memory {
  epoch: string;
  readonly known: Map<string, KnownConversation>;
}

/** A device that is online and says little: signs in, syncs, keeps its heartbeat. */
export class Syncer extends Session implements PoolMember {
  readonly #memory: Memory;
  readonly #onEnd: (why: string) => void;

  constructor(o: { port: number; user: number; memory: Memory; onEnd: (why: string) => void }) {
    super({ user: userName(o.user), connect: (sink) => wsTransport(o.port, sink) });
    this.#memory = o.memory;
    this.#onEnd = o.onEnd;
  }

  /** Takes over what changed since the memory was current. */
  sync(): Promise<SyncOutcome> {
    const { known } = this.#memory;
    const sync = create(SyncSchema, {
      storeEpoch: this.#memory.epoch,
      known: [...known.values()],
      entries: 0,
    });
    let changed = 0;
    let advanced = 0;
    return new Promise((resolve, reject) => {
      const id = this.request({ case: 'sync', value: sync }, (field, buffer, start, end) => {
        if (field !== eventField.changes) return reject(new Error(`sync: ${errorText(buffer, start, end)}`));
        const changes = fromBinary(ChangesSchema, buffer.subarray(start, end));
        for (const state of changes.conversations) {
          changed += 1;
          advanced += Number(state.headSeq - (known.get(state.convId)?.headSeq ?? 0n));
          known.set(state.convId, knownOf(state));
        }
        for (const convId of changes.removed) known.delete(convId);
        if (!changes.done) return;
        this.answered(id);
        this.#memory.epoch = this.welcome?.storeEpoch ?? '';
        resolve({ changed, advanced, known: known.size });
      });
    });
  }

  /** Writes to a user; resolves when the message is safe. */
  greet(to: number, clientId: string): Promise<void> {
    const body = create(MessageBodySchema, { content: { case: 'text', value: 'hello' } });
    const send = create(SendSchema, { target: { case: 'to', value: userName(to) }, clientId, body });
    return new Promise((resolve, reject) => {
      const id = this.request({ case: 'send', value: send }, (field, buffer, start, end) => {
        this.answered(id);
        if (field === eventField.sent) resolve();
        else reject(new Error(`send: ${errorText(buffer, start, end)}`));
      });
    });
  }

  override ended(why: string): void {
    super.ended(why);
    // Before that, whoever opens it hears of it.
    if (this.welcome !== undefined) this.#onEnd(why);
  }
}

function knownOf(state: ConversationState): KnownConversation {
  const { convId, headSeq, headMsgId, rev, readSeq, deliveredSeq, peerReadSeq, peerDeliveredSeq } = state;
  return create(KnownConversationSchema, {
    convId,
    headSeq,
    headMsgId,
    rev,
    readSeq,
    deliveredSeq,
    peerReadSeq,
    peerDeliveredSeq,
  });
}
