import type { Skip } from '../../gen/parley/chat/v1/session_pb.ts';
import type { DecodedCommand } from '../codec/frames.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId } from '../core/ids.ts';
import { SendChain } from './chain.ts';
import * as check from './check.ts';
import type { CommandDesk } from './command-desk.ts';
import type { CommandTrace } from './command-traces.ts';
import { type ConnectionMeters, serversDoing } from './meters.ts';
import { SendCall } from './send-call.ts';
import type { Session } from './session.ts';

export type Send = Extract<DecodedCommand, { t: 'send' }>;

/** A send that waits for its group to be made. */
interface Waiting {
  readonly command: Send;
  readonly trace: CommandTrace | undefined;
}

interface Parts {
  readonly desk: CommandDesk;
  readonly meters: ConnectionMeters;
  readonly maxInFlight: number;
  /** Development: groups that sends name are created and joined on first use, where the session asked for it. */
  readonly developmentGroups: boolean;
  end(session: Session, fault: Fault): void;
}

/** Groups that one session remembers to have made; beyond it, it asks again. */
const maxEnsured = 1_000;
/** Sends that wait for a group to be made, at most. */
const maxWaiting = 1_024;

/** Sends and skips: a session's sends in one conversation keep their order, around refusals, too. */
export class SendCommands {
  readonly #parts: Parts;
  /** Sends that wait until a group named for the first time is there, by session and group. */
  readonly #ensuring = new Map<string, Waiting[]>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Throws a Fault where the send is refused at once, which is counted then. `trace` where it is sampled. */
  send(session: Session, command: Send, trace?: CommandTrace): void {
    const { meters } = this.#parts;
    let byServer: boolean | undefined;
    try {
      byServer = this.#pass(session, command, trace);
    } catch (error) {
      // For what is in it, for its pace, or for what the session has under way already.
      if (error instanceof Fault) meters.sendRefused(false);
      throw error;
    }
    if (byServer === undefined) return;
    meters.sendRefused(byServer);
    const message = 'an earlier send was refused, or its answer is still to come: send or skip it first';
    throw new Fault('outOfOrder', { message, retryAfterMs: 50 });
  }

  /** Where the send must wait its turn: whether that is the server's doing. Throws a Fault. */
  #pass(session: Session, command: Send, trace: CommandTrace | undefined): boolean | undefined {
    const clientId = check.clientId(command.clientId, 'send.client_id');
    const { convId, peer } = check.target(session.userId, command, 'send');
    const body = check.body(command.body, 'send.body');
    if (this.#mustEnsure(session, convId)) {
      this.#ensure(session, convId, { command, trace });
      return undefined;
    }
    const { desk } = this.#parts;
    const chain = this.#chain(session, convId);
    try {
      desk.pace(session);
      const owner = desk.ownerOf(convId);
      const number = chain.admit(clientId, owner);
      if (number !== undefined) {
        const op = { t: 'send', convId, peer, clientId, body, chain: number } as const;
        desk.pass(owner, session, op, new SendCall(this.#parts, session, command.id, chain, op, trace));
        return undefined;
      }
    } catch (error) {
      this.#hold(session, chain, { clientId, byServer: false });
      throw error;
    }
    const byServer = chain.waitsByServer;
    this.#hold(session, chain, { clientId, byServer });
    return byServer;
  }

  /** Gives a refused send up. */
  skip(session: Session, id: number, { target, clientId }: Skip): void {
    const named = {
      convId: target.case === 'convId' ? target.value : undefined,
      to: target.case === 'to' ? target.value : undefined,
    };
    const { convId } = check.target(session.userId, named, 'skip');
    const skipped = check.clientId(clientId, 'skip.client_id');
    const chain = session.chains.get(convId);
    chain?.skip(skipped);
    if (chain !== undefined) session.forgetIdle(convId, chain);
    this.#parts.desk.pong(session, id);
  }

  #chain(session: Session, convId: ConvId): SendChain {
    const known = session.chains.get(convId);
    if (known !== undefined) return known;
    const budget = session.places(this.#parts.maxInFlight);
    const chain = new SendChain({ draw: () => session.nextChain(), budget });
    session.chains.set(convId, chain);
    return chain;
  }

  /** The refused send keeps its place. A session that leaves too many lying can't be promised its order any more. */
  #hold(
    session: Session,
    chain: SendChain,
    { clientId, byServer }: { readonly clientId: string; readonly byServer: boolean },
  ): void {
    if (chain.hold(clientId, byServer)) return;
    const message = 'too many refused sends were neither sent again nor skipped';
    this.#parts.end(session, new Fault('overloaded', { message }));
  }

  #mustEnsure(session: Session, convId: ConvId): boolean {
    return (
      session.openGroups &&
      this.#parts.developmentGroups &&
      check.isGroup(convId) &&
      !session.ensured.has(convId)
    );
  }

  /** Creates and joins a group; what is sent to it meanwhile waits. */
  #ensure(session: Session, convId: ConvId, send: Waiting): void {
    const { desk, meters } = this.#parts;
    const key = `${session.no}:${convId}`;
    const waiting = this.#ensuring.get(key);
    if (waiting !== undefined) {
      if (waiting.length >= maxWaiting) {
        this.#parts.end(session, new Fault('overloaded', { message: 'the group is still being made' }));
      }
      waiting.push(send);
      return;
    }
    const groupId = check.groupId(convId, 'send.conv_id');
    desk.pace(session);
    const sends = [send];
    this.#ensuring.set(key, sends);
    const op = { t: 'group', groupId, clientId: '', change: { t: 'ensure' } } as const;
    desk.call<'groupChanged'>(session, send.command.id, op, {
      done: () => {
        this.#ensuring.delete(key);
        if (session.ensured.size >= maxEnsured) session.ensured.clear();
        session.ensured.add(convId);
        for (const each of sends) this.#again(session, each);
      },
      refused: (fault) => {
        this.#ensuring.delete(key);
        const byServer = serversDoing(fault);
        if (fault.spec.retry !== 'never') {
          const chain = this.#chain(session, convId);
          for (const { command } of sends)
            this.#hold(session, chain, { clientId: command.clientId, byServer });
        }
        for (const each of sends) {
          meters.sendRefused(byServer);
          each.trace?.refused(fault);
          if (each !== send) desk.refuse(session, each.command.id, fault);
        }
      },
    });
  }

  #again(session: Session, { command, trace }: Waiting): void {
    if (session.state !== 'open') return;
    try {
      this.send(session, command, trace);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      trace?.refused(error);
      this.#parts.desk.refuse(session, command.id, error);
    }
  }
}
