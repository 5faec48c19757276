import { create, type DescMessage, type DescMethodUnary, type MessageInitShape } from '@bufbuild/protobuf';
import { GroupService, HistoryVisibility } from '../../gen/parley/chat/v1/group_pb.ts';
import { Fault } from '../../services/core/fault.ts';
import type { EdgeProcess } from './edge-process.ts';
import type { Ground } from './ground.ts';
import { Actor } from './scheduler.ts';

/** What a change of a group was answered with: the seq of its entry, 0 where nothing had to change. */
export interface ChangeAnswer {
  readonly groupId: string;
  readonly user: string;
  readonly clientId: string;
  readonly seq: number;
}

const patienceMs = 6_000;
const maxTries = 40;

/** Changes groups by unary calls, each made again, anywhere, under the same client id until it has its final answer. */
export class GroupAdmin {
  readonly actor = new Actor('admin');
  readonly answers: ChangeAnswer[] = [];
  readonly #ground: Ground;
  readonly #edge: () => EdgeProcess | undefined;
  #changes = 0;
  #open = 0;

  constructor(parts: { ground: Ground; edge: () => EdgeProcess | undefined }) {
    this.#ground = parts.ground;
    this.#edge = parts.edge;
  }

  get settled(): boolean {
    return this.#open === 0;
  }

  create(user: string, groupId: string, members: readonly string[], history: 'all' | 'sinceJoin'): void {
    const { ALL, SINCE_JOIN } = HistoryVisibility;
    const request = {
      groupId,
      name: groupId,
      members: [...members],
      history: history === 'all' ? ALL : SINCE_JOIN,
    };
    this.#begin(GroupService.method.createGroup, user, groupId, request);
  }

  add(user: string, groupId: string, users: readonly string[]): void {
    this.#begin(GroupService.method.addMembers, user, groupId, { groupId, users: [...users] });
  }

  kick(user: string, groupId: string, userId: string): void {
    this.#begin(GroupService.method.removeMember, user, groupId, { groupId, userId });
  }

  leave(user: string, groupId: string): void {
    this.#begin(GroupService.method.leaveGroup, user, groupId, { groupId });
  }

  #begin<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    user: string,
    groupId: string,
    init: object,
  ): void {
    const clientId = `change ${(this.#changes += 1)}`;
    const request = create(method.input, { ...init, clientId } as unknown as MessageInitShape<I>);
    this.#open += 1;
    this.#ground.trace(this.actor, `${method.name} ${JSON.stringify(init)} by ${user} as ${clientId}`);
    this.#try(`${method.parent.typeName}/${method.name}`, request, { user, groupId, clientId }, 1);
  }

  #try(rpc: string, request: unknown, change: Omit<ChangeAnswer, 'seq'>, attempt: number): void {
    const { scheduler, weather, dice } = this.#ground;
    let over = false;
    const again = (): void => {
      if (over) return;
      over = true;
      if (attempt === maxTries) this.#open -= 1;
      else
        scheduler.at(this.actor, dice.between(20, 300), () => this.#try(rpc, request, change, attempt + 1));
    };
    const edge = this.#edge();
    if (edge === undefined) return again();
    scheduler.at(this.actor, patienceMs, again);
    const answered = (tell: () => void): void => {
      scheduler.at(this.actor, weather.linkMs(), () => {
        if (!over) tell();
      });
    };
    scheduler.at(edge.actor, weather.linkMs(), () => {
      edge.call(rpc, request, change.user).then(
        (response) =>
          answered(() => {
            over = true;
            this.#done(rpc, request, change, Number((response as { seq?: bigint }).seq ?? 0), attempt);
          }),
        (error) =>
          answered(() => {
            if (!(error instanceof Fault) || error.spec.retry !== 'never') return again();
            over = true;
            this.#ground.trace(this.actor, `${change.clientId} is refused: ${error.reason}`);
            this.#open -= 1;
          }),
      );
    });
  }

  #done(
    rpc: string,
    request: unknown,
    change: Omit<ChangeAnswer, 'seq'>,
    seq: number,
    attempt: number,
  ): void {
    this.#ground.trace(this.actor, `${change.clientId} is ${seq}`);
    if (seq > 0) this.answers.push({ ...change, seq });
    // Now and then it is asked for again although it is done: the answer has to be the same.
    if (seq > 0 && attempt < 3 && this.#ground.dice.oneIn(4)) this.#try(rpc, request, change, maxTries);
    else this.#open -= 1;
  }
}
