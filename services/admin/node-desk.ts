import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type {
  ConversationHoldSchema,
  HotConversationSchema,
  NodeFiguresSchema,
  SlowSessionSchema,
} from '../../gen/parley/chat/v1/cluster_pb.ts';
import { NodeService } from '../../gen/parley/node/v1/node_pb.ts';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { NodeCaller, NodeHost } from '../peer/node-caller.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { StoreError, type MessageStore } from '../ports/message-store.ts';
import type { WorkerLeases } from '../ports/worker-leases.ts';
import { auditPage, auditRecordOf } from './audit-wire.ts';
import { describeGroup } from './describe-group.ts';
import type { LetterDesk } from './letter-desk.ts';

type Of<Schema extends DescMessage> = MessageInitShape<Schema>;

/** What a node is asked, as far as it plays the role that knows. */
export interface NodeSources {
  figures(): Of<typeof NodeFiguresSchema>;
  /** Of a connection node. */
  readonly sessions?: {
    slow(limit: number): {
      readonly now: readonly Of<typeof SlowSessionSchema>[];
      readonly closed: readonly Of<typeof SlowSessionSchema>[];
    };
    /** An empty device means all. Gives how many. */
    end(userId: UserId, deviceId: string): number;
  };
  /** Of a message node. */
  readonly conversations?: {
    hold(convId: ConvId): Of<typeof ConversationHoldSchema> | undefined;
    hot(limit: number): readonly Of<typeof HotConversationSchema>[];
  };
  /** Where the store is open. */
  readonly store?: Pick<MessageStore, 'load'> & { readonly audit: AuditLog; readonly workers: WorkerLeases };
  /** Of a push node. */
  readonly letters?: LetterDesk;
}

type Methods = (typeof NodeService)['method'];
type Handlers = {
  readonly [Name in keyof Methods]: Methods[Name] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>) => MessageInitShape<O> | Promise<MessageInitShape<O>>
    : never;
};

/** Answers for this node what the administration asks. */
export class NodeDesk implements NodeHost, NodeCaller {
  readonly #handlers: Handlers;

  constructor({ sources, clock }: { readonly sources: NodeSources; readonly clock: Clock }) {
    this.#handlers = handlersOf(sources, clock);
  }

  async answer(name: string, request: unknown): Promise<unknown> {
    const handle = this.#handlers[name as keyof Methods] as (request: unknown) => Promise<object> | object;
    const method = NodeService.method[name as keyof Methods];
    try {
      return create(method.output as DescMessage, (await handle(request)) as Record<string, unknown>);
    } catch (error) {
      throw error instanceof StoreError ? storeFault(error) : error;
    }
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return (await this.answer(method.localName, create(method.input, request))) as MessageShape<O>;
  }
}

function handlersOf(sources: NodeSources, clock: Clock): Handlers {
  return {
    inspectNode: () => ({ figures: sources.figures() }),
    inspectConversation: ({ convId }) => {
      const hold = sources.conversations?.hold(convId as ConvId);
      return hold === undefined ? {} : { hold };
    },
    inspectHot: ({ limit }) => ({ conversations: [...(sources.conversations?.hot(limit) ?? [])] }),
    inspectSlow: ({ limit }) => {
      const { now = [], closed = [] } = sources.sessions?.slow(limit) ?? {};
      return { now: [...now], closed: [...closed] };
    },
    endUserSessions: ({ userId, deviceId }) => ({
      ended: sources.sessions?.end(userId as UserId, deviceId) ?? 0,
    }),
    readLeases: async () => {
      const nowMs = clock.wallMs();
      const leases = await here(sources.store).workers.list();
      return {
        leases: leases.map(({ worker, holder, reservedUntilMs }) => ({
          worker,
          holder,
          reservedUntilMs: BigInt(reservedUntilMs),
          held: reservedUntilMs >= nowMs,
        })),
      };
    },
    readGroup: async ({ ask }) => {
      const group = await describeGroup(here(sources.store), ask);
      return group === undefined ? {} : { group };
    },
    writeAudit: async ({ records, issuedTokens }) => {
      await here(sources.store).audit.write(
        issuedTokens ? 'issuedTokens' : 'acts',
        records.map(auditRecordOf),
      );
      return {};
    },
    readAudit: async ({ ask }) => ({ page: await auditPage(here(sources.store).audit, ask) }),
    readLetters: async ({ ask }) => ({ page: await here(sources.letters).list(ask?.limit ?? 0) }),
    resendLetters: async ({ ids }) => ({ letters: [...(await here(sources.letters).replay(ids))] }),
    forgetLetters: async ({ ids }) => ({ dropped: await here(sources.letters).drop(ids) }),
  };
}

function here<T>(part: T | undefined): T {
  if (part === undefined) throw new Fault('unknownCommand', { message: 'this node does not know' });
  return part;
}

function storeFault(error: StoreError): Fault {
  if (error.kind === 'full') return new Fault('diskFull', { message: error.message, cause: error });
  if (error.kind === 'rejected') return new Fault('invalidField', { message: error.message, cause: error });
  return new Fault('storeUnavailable', { message: error.message, retryAfterMs: 500, cause: error });
}
