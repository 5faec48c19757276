import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import type {
  DescribeGroupRequestSchema,
  DescribeGroupResponseSchema,
  EndSessionsResponseSchema,
} from '../../gen/parley/chat/v1/admin_pb.ts';
import type {
  ListAuditRecordsRequestSchema,
  ListAuditRecordsResponseSchema,
} from '../../gen/parley/chat/v1/audit_pb.ts';
import type {
  ListHotConversationsResponseSchema,
  ListNodesResponseSchema,
  ListSlowSessionsResponseSchema,
  ListWorkerLeasesResponseSchema,
  LocateConversationResponseSchema,
} from '../../gen/parley/chat/v1/cluster_pb.ts';
import type {
  ListDeadLettersResponseSchema,
  ReplayDeadLettersResponseSchema,
} from '../../gen/parley/chat/v1/dead_letter_pb.ts';
import type { ConvId, UserId } from '../core/ids.ts';

/** Who does something, and from where. */
export interface Actor {
  readonly name: string;
  /** Empty where it is no call. */
  readonly remoteAddress: string;
}

/** What is done, to whom. Never holds what people write, nor tokens. */
export interface Act {
  /** Like `sessions.end`. */
  readonly action: string;
  readonly target: string;
  readonly details?: Readonly<Record<string, string>>;
}

/** Administrative acts are carried out through this alone, so that each is in the audit log. */
export interface AuditedActs {
  /**
   * Records that the act is begun, carries it out, and records how it ended. Rejects with the act's own error; with
   * `storeUnavailable`, and then nothing was carried out, where it could not be recorded. `isWhole`: whether what came of it
   * is all that was asked for; else it is recorded as `failed`. By default it is.
   */
  act<T>(by: Actor, act: Act, carryOut: () => Promise<T>, isWhole?: (result: T) => boolean): Promise<T>;
  /** Records that a token is issued, before anybody has it. Rejects with `storeUnavailable`: then it must not go out. */
  issued(by: Actor, act: Act): Promise<void>;
}

type Answer<Schema extends DescMessage> = Promise<MessageInitShape<Schema>>;

/** What a connection node is asked by those who administer the cluster; it gathers the answers from all nodes. */
export interface Administration extends AuditedActs {
  nodes(): Answer<typeof ListNodesResponseSchema>;
  locate(convId: ConvId): Answer<typeof LocateConversationResponseSchema>;
  hot(limit: number): Answer<typeof ListHotConversationsResponseSchema>;
  slow(limit: number): Answer<typeof ListSlowSessionsResponseSchema>;
  leases(): Answer<typeof ListWorkerLeasesResponseSchema>;
  /** Ends sessions on whichever nodes have them; an empty device means all. */
  endSessions(userId: UserId, deviceId: string): Answer<typeof EndSessionsResponseSchema>;
  /** Rejects with `conversationNotFound`. */
  group(ask: MessageInitShape<typeof DescribeGroupRequestSchema>): Answer<typeof DescribeGroupResponseSchema>;
  audit(
    ask: MessageInitShape<typeof ListAuditRecordsRequestSchema>,
  ): Answer<typeof ListAuditRecordsResponseSchema>;
  letters(limit: number): Answer<typeof ListDeadLettersResponseSchema>;
  replay(ids: readonly string[]): Answer<typeof ReplayDeadLettersResponseSchema>;
  /** Gives how many there were. */
  drop(ids: readonly string[]): Promise<number>;
}
