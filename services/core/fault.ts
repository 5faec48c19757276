/** gRPC status codes, as far as faults use them. */
export const Code = {
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  Unauthenticated: 16,
} as const;

export type RetryAdvice = 'never' | 'here' | 'elsewhere';

interface FaultSpec {
  readonly code: (typeof Code)[keyof typeof Code];
  readonly retry: RetryAdvice;
  /** The WebSocket close code when this fault ends a session. 44xx: don't reconnect; 45xx: do. */
  readonly closeCode: number;
}

/** Every refusal that leaves the server: its gRPC code, retry advice and WebSocket close code. */
export const faults = {
  // What the client sent can't be understood or is over a limit.
  malformedFrame: { code: Code.InvalidArgument, retry: 'never', closeCode: 4400 },
  unsupportedFrame: { code: Code.InvalidArgument, retry: 'never', closeCode: 4400 },
  frameTooLarge: { code: Code.ResourceExhausted, retry: 'never', closeCode: 4413 },
  tooManyCommands: { code: Code.InvalidArgument, retry: 'never', closeCode: 4413 },
  unknownCommand: { code: Code.Unimplemented, retry: 'never', closeCode: 4400 },
  invalidField: { code: Code.InvalidArgument, retry: 'never', closeCode: 4400 },
  invalidId: { code: Code.InvalidArgument, retry: 'never', closeCode: 4400 },
  emptyContent: { code: Code.InvalidArgument, retry: 'never', closeCode: 4400 },
  contentTooLarge: { code: Code.InvalidArgument, retry: 'never', closeCode: 4413 },
  pageTooLarge: { code: Code.InvalidArgument, retry: 'never', closeCode: 4413 },
  seqOutOfRange: { code: Code.OutOfRange, retry: 'never', closeCode: 4400 },
  beyondHead: { code: Code.OutOfRange, retry: 'never', closeCode: 4400 },
  unsupportedProtocol: { code: Code.FailedPrecondition, retry: 'never', closeCode: 4406 },
  // Who the client is.
  helloExpected: { code: Code.Unauthenticated, retry: 'never', closeCode: 4401 },
  helloTimeout: { code: Code.DeadlineExceeded, retry: 'elsewhere', closeCode: 4508 },
  alreadySignedIn: { code: Code.FailedPrecondition, retry: 'never', closeCode: 4400 },
  tokenMissing: { code: Code.Unauthenticated, retry: 'never', closeCode: 4401 },
  tokenInvalid: { code: Code.Unauthenticated, retry: 'never', closeCode: 4401 },
  tokenExpired: { code: Code.Unauthenticated, retry: 'never', closeCode: 4401 },
  tokenRevoked: { code: Code.Unauthenticated, retry: 'never', closeCode: 4401 },
  developmentOnly: { code: Code.PermissionDenied, retry: 'never', closeCode: 4403 },
  originForbidden: { code: Code.PermissionDenied, retry: 'never', closeCode: 4403 },
  scopeMissing: { code: Code.PermissionDenied, retry: 'never', closeCode: 4403 },
  // What the rules say.
  notMember: { code: Code.PermissionDenied, retry: 'never', closeCode: 4403 },
  notAllowed: { code: Code.PermissionDenied, retry: 'never', closeCode: 4403 },
  conversationNotFound: { code: Code.NotFound, retry: 'never', closeCode: 4404 },
  entryNotFound: { code: Code.NotFound, retry: 'never', closeCode: 4404 },
  memberNotFound: { code: Code.NotFound, retry: 'never', closeCode: 4404 },
  groupExists: { code: Code.AlreadyExists, retry: 'never', closeCode: 4409 },
  groupFull: { code: Code.FailedPrecondition, retry: 'never', closeCode: 4409 },
  ownerMustHandOver: { code: Code.FailedPrecondition, retry: 'never', closeCode: 4409 },
  notRecallable: { code: Code.FailedPrecondition, retry: 'never', closeCode: 4409 },
  recallTooLate: { code: Code.FailedPrecondition, retry: 'never', closeCode: 4409 },
  clientIdReused: { code: Code.AlreadyExists, retry: 'never', closeCode: 4409 },
  notStorable: { code: Code.InvalidArgument, retry: 'never', closeCode: 4400 },
  // What may pass later.
  outOfOrder: { code: Code.FailedPrecondition, retry: 'here', closeCode: 4509 },
  rateLimited: { code: Code.ResourceExhausted, retry: 'here', closeCode: 4529 },
  overloaded: { code: Code.ResourceExhausted, retry: 'here', closeCode: 4529 },
  tooManyConnections: { code: Code.ResourceExhausted, retry: 'elsewhere', closeCode: 4529 },
  storeUnavailable: { code: Code.Unavailable, retry: 'here', closeCode: 4503 },
  diskFull: { code: Code.Unavailable, retry: 'here', closeCode: 4503 },
  groupsUnavailable: { code: Code.Unavailable, retry: 'here', closeCode: 4503 },
  directoryUnavailable: { code: Code.Unavailable, retry: 'here', closeCode: 4503 },
  timedOut: { code: Code.DeadlineExceeded, retry: 'here', closeCode: 4508 },
  notOwner: { code: Code.Unavailable, retry: 'here', closeCode: 4503 },
  ownerLost: { code: Code.Unavailable, retry: 'elsewhere', closeCode: 4503 },
  upstreamUnavailable: { code: Code.Unavailable, retry: 'elsewhere', closeCode: 4503 },
  // Why a session ends.
  nodeDraining: { code: Code.Unavailable, retry: 'elsewhere', closeCode: 4503 },
  slowConsumer: { code: Code.ResourceExhausted, retry: 'elsewhere', closeCode: 4508 },
  unacknowledged: { code: Code.DeadlineExceeded, retry: 'elsewhere', closeCode: 4508 },
  silent: { code: Code.DeadlineExceeded, retry: 'elsewhere', closeCode: 4508 },
  sessionEnded: { code: Code.Unavailable, retry: 'elsewhere', closeCode: 4503 },
  superseded: { code: Code.FailedPrecondition, retry: 'never', closeCode: 4410 },
  epochChanged: { code: Code.Unavailable, retry: 'elsewhere', closeCode: 4503 },
  internal: { code: Code.Internal, retry: 'here', closeCode: 4500 },
} as const satisfies Record<string, FaultSpec>;

export type FaultReason = keyof typeof faults;

export interface FaultDetail {
  /** For people. */
  readonly message?: string;
  /** The field at fault, as a path like `send.body.text`. */
  readonly field?: string;
  readonly retryAfterMs?: number;
  /** Goes to the log alone. */
  readonly cause?: unknown;
}

/** A refusal with a stable reason. Everything else that is thrown leaves as `internal`. */
export class Fault extends Error {
  readonly reason: FaultReason;
  readonly field: string;
  readonly retryAfterMs: number;

  constructor(reason: FaultReason, detail: FaultDetail = {}) {
    // A refusal is no bug. Noting where it was made costs five times the rest of it, and floods of them are to be borne.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail.message ?? reason, detail.cause === undefined ? undefined : { cause: detail.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Fault';
    this.reason = reason;
    this.field = detail.field ?? '';
    this.retryAfterMs = detail.retryAfterMs ?? 0;
  }

  get spec(): FaultSpec {
    return faults[this.reason];
  }

  /** Whether a client should connect again after a session ended with this fault. */
  get reconnect(): boolean {
    return this.spec.closeCode >= 4500;
  }
}

/** Whatever was thrown, as a fault. */
export function toFault(thrown: unknown): Fault {
  return thrown instanceof Fault
    ? thrown
    : new Fault('internal', { message: 'internal error', cause: thrown });
}
