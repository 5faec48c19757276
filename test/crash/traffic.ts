import { CallError } from '../../bench/targets/parley.ts';
import { CrashClient } from './crash-client.ts';
import type { Site } from './site.ts';
import type { World, WorldUser } from './world.ts';

export interface TrafficOptions {
  readonly world: World;
  readonly site: Site;
  /** Sends that each client has under way at all times. */
  readonly outstanding: number;
  readonly random: () => number;
}

/** One recall for about this many sends. */
const sendsPerRecall = 60;
const changeGroupsEveryMs = 120;
/** HTTP's status of what is refused for now, as a conversation that is contended. */
const tooMuch = 429;

/**
 * All users of a world, in a closed loop: whoever gets an answer sends the next message, so the same number is under
 * way at all times. Meanwhile owners remove members and take them in again.
 */
export class Traffic implements AsyncDisposable {
  readonly clients: readonly CrashClient[];
  /** How long everybody waits after an answer before the next message; 0 for no time at all. */
  thinkMs = 0;
  /** What a text is filled up to, in characters. */
  textBytes = 0;
  readonly #options: TrafficOptions;
  /** Which start of the server this is. */
  #run = 0;
  #restores = 0;
  readonly #strangers: CrashClient[] = [];
  #on = false;
  #stopped = false;
  #sent = 0;
  #changing: Promise<void> | undefined;
  #changes = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.clients = options.world.users.map((user, index) => this.#client(user, index));
  }

  /** A server is about to start: what the one before it said is history. */
  nextRun(): void {
    this.#run += 1;
  }

  /** The store is about to be put back to a backup: clients will be told to start over. */
  restored(): void {
    this.#restores += 1;
  }

  start(): void {
    for (const client of this.clients) client.start();
  }

  on(): void {
    this.#on = true;
    for (const [i, client] of this.clients.entries())
      this.#top(client, this.#options.world.users[i] as WorldUser);
    this.#changing ??= this.#changeGroups();
  }

  /** No new messages; what is under way goes on. */
  async off(): Promise<void> {
    this.#on = false;
    await this.#changing;
    this.#changing = undefined;
  }

  /** Everybody hangs up for good. */
  stop(): void {
    this.#stopped = true;
    for (const client of [...this.clients, ...this.#strangers]) client.stop();
  }

  get inFlight(): number {
    return this.clients.reduce((sum, client) => sum + client.inFlight, 0);
  }

  /** Messages handed over so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Members removed and taken in again so far. */
  get changes(): number {
    return this.#changes;
  }

  /** A session of a user who has no part in anything. */
  knock(): void {
    const stranger = `stranger-${this.#strangers.length}`;
    const client = new CrashClient({
      user: stranger,
      kind: 'ws-proto',
      token: this.#options.site.tokenOf?.(stranger) ?? '',
      ports: () => this.#options.site.ports(0),
      run: () => this.#run,
    });
    this.#strangers.push(client);
    client.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // First, so that nobody goes on asking whom nobody answers.
    this.stop();
    await this.off();
  }

  #client(user: WorldUser, index: number): CrashClient {
    const client = new CrashClient({
      user: user.name,
      kind: user.kind,
      token: this.#options.site.tokenOf?.(user.name) ?? '',
      ports: () => this.#options.site.ports(index),
      run: () => this.#run,
      restores: () => this.#restores,
    });
    client.onSettled = () => {
      if (this.thinkMs === 0) this.#top(client, user);
      else setTimeout(() => this.#top(client, user), this.thinkMs);
    };
    return client;
  }

  #top(client: CrashClient, user: WorldUser): void {
    const { outstanding } = this.#options;
    while (this.#on && client.unanswered < outstanding) {
      const destination = this.#any(user.destinations);
      client.send(destination, `${user.name} says number ${this.#sent++}`.padEnd(this.textBytes, '.'));
      if (this.#options.random() * sendsPerRecall < 1) client.recall(destination.convId);
    }
  }

  async #changeGroups(): Promise<void> {
    while (this.#on) {
      const { id, members } = this.#any(this.#options.world.groups);
      const member = this.#any(members.slice(1));
      const clientId = `change-${++this.#changes}`;
      await this.#call('GroupService/RemoveMember', { groupId: id, userId: member, clientId }, members[0]);
      await this.#call(
        'GroupService/AddMembers',
        { groupId: id, users: [member], clientId: `${clientId}-back` },
        members[0],
      );
      await new Promise((resolve) => setTimeout(resolve, changeGroupsEveryMs));
    }
  }

  /** Calls until there is an answer: under one client id, however often. */
  async #call(rpc: string, request: unknown, user: string | undefined): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#options.site.call(rpc, request, user ?? '');
        return;
      } catch (error) {
        // Who was taken in again is out once more where just that was lost.
        if (error instanceof CallError && error.status === 404 && this.#restores > 0) return;
        if (error instanceof CallError && error.status < 500 && error.status !== tooMuch) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  #any<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#options.random() * choices.length)] as T;
  }
}
