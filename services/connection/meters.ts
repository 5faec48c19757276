import { Code, type Fault } from '../core/fault.ts';

/** What a connection node counts, in plain numbers: telemetry reads them when it is asked. */
export class ConnectionMeters {
  /** Open sessions by transport. */
  readonly active = new Map<string, number>();
  /** Commands refused, and sessions closed, by reason. */
  readonly refused = new Map<string, number>();
  readonly closed = new Map<string, number>();
  /** Sends that were answered, by whose doing the answer is: `refused` is the client's, `failed` the server's. */
  readonly sends = { acknowledged: 0, refused: 0, failed: 0 };
  redeliveries = 0;
  /** Sign-ins and calls let pass although the directory could not say whether their token was revoked. */
  revocationsUnchecked = 0;
  /** Attempts to tell the directory of sessions that failed; they are made again. */
  announcementsFailed = 0;
  /** Ended sessions that the directory was not told of: there they lapse by themselves. */
  sessionsLapsing = 0;
  slowConsumers = 0;
  /** Entries written to sessions. */
  deliveries = 0;
  /** Told the time from a send to its answer, and from accepting an entry to handing it to the door, in seconds. */
  onSendSeconds: (seconds: number) => void = () => {};
  onDeliverySeconds: (seconds: number) => void = () => {};

  opened(transport: string): void {
    this.active.set(transport, (this.active.get(transport) ?? 0) + 1);
  }

  gone(transport: string): void {
    this.active.set(transport, (this.active.get(transport) ?? 1) - 1);
  }

  refuse(reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  /** A send was acknowledged, so many seconds after it came. */
  sent(seconds: number): void {
    this.sends.acknowledged += 1;
    this.onSendSeconds(seconds);
  }

  sendRefused(byServer: boolean): void {
    this.sends[byServer ? 'failed' : 'refused'] += 1;
  }

  close(reason: string): void {
    this.closed.set(reason, (this.closed.get(reason) ?? 0) + 1);
  }
}

const serverCodes: ReadonlySet<number> = new Set([Code.Unavailable, Code.Internal, Code.DeadlineExceeded]);

/** Whether a client that does everything right is told so by a message node, too. */
export function serversDoing({ reason, spec }: Fault): boolean {
  return serverCodes.has(spec.code) || reason === 'overloaded';
}
