import { create } from '@bufbuild/protobuf';
import { Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import { type Group, GroupSchema, type Member } from '../../../gen/parley/chat/v1/group_pb.ts';
import {
  type ChatClient,
  ChatError,
  type ConnectionState,
  type ConversationLog,
  type ConversationSummary,
  type DeviceActions,
  type GroupActions,
  type PendingSend,
  type Unsubscribe,
} from '../../../sdk/types.ts';
import { FakeConversation } from './fake-conversation.ts';
import { fakeDevices } from './fake-devices.ts';

const olderPage = 100;

/**
 * A chat client without a server. Sends are stored after `delayMs`, then delivered, then read; a text that begins with
 * `/fail` is refused; while it is not online, sends wait. Tests steer it as `window.preview`.
 */
export class FakeClient implements ChatClient {
  readonly userId: string;
  readonly groups: GroupActions;
  readonly devices: DeviceActions = fakeDevices();
  readonly online = new Map<string, { online: boolean; lastSeenAtMs: number }>();
  readonly convs = new Map<string, FakeConversation>();
  state: ConnectionState = { t: 'idle' };
  conversations: readonly ConversationSummary[] = [];
  delayMs = 300;
  /** Sends go on with `advance` alone, one step a call. */
  manual = false;
  /** What `start` leads to. */
  startState: ConnectionState = { t: 'online', sessionId: 'fake' };
  reachable = true;
  /** Every second page of history fails. */
  flakyHistory = false;
  /** Told of every send, as by a browser that stores none. */
  onUnkept = () => {};
  readonly said: string[] = [];
  readonly #steps: (() => void)[] = [];
  readonly #logs = new Map<string, ConversationLog>();
  readonly #changes = new Set<() => void>();
  readonly #logChanges = new Map<string, Set<() => void>>();
  #nextId = 0;
  #olderTries = 0;

  constructor(userId: string) {
    this.userId = userId;
    this.groups = fakeGroups(this);
  }

  start(): void {
    this.setState(this.startState);
  }

  async close(): Promise<void> {
    this.#changes.clear();
    this.#logChanges.clear();
  }

  reconnectNow(): void {
    if (this.state.t !== 'waiting') return;
    this.setState({ t: 'connecting', attempt: 2 });
    setTimeout(() => this.setState(this.reachable ? { t: 'online', sessionId: 'again' } : waiting()), 400);
  }

  setState(state: ConnectionState): void {
    this.state = state;
    this.touch();
    if (state.t !== 'online') return;
    for (const conversation of this.convs.values())
      for (const send of conversation.pending)
        if (send.status === 'pending') this.#deliver(conversation, send);
  }

  onChange(listener: () => void): Unsubscribe {
    this.#changes.add(listener);
    return () => this.#changes.delete(listener);
  }

  onLog(convId: string, listener: () => void): Unsubscribe {
    const listeners = this.#logChanges.get(convId) ?? new Set();
    this.#logChanges.set(convId, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  log(convId: string): ConversationLog {
    const known = this.#logs.get(convId);
    if (known !== undefined) return known;
    const log = this.convs.get(convId)?.log() ?? emptyLog(convId);
    this.#logs.set(convId, log);
    return log;
  }

  async loadOlder(convId: string): Promise<void> {
    const conversation = this.convs.get(convId);
    if (conversation === undefined || conversation.loadingOlder) return;
    conversation.loadingOlder = true;
    this.touch(convId);
    await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    conversation.loadingOlder = false;
    const fails = this.flakyHistory && this.#olderTries++ % 2 === 0;
    if (!fails) conversation.items = [...conversation.older.splice(-olderPage), ...conversation.items];
    this.touch(convId);
    if (fails) throw new ChatError('timedOut', 'timed out');
  }

  send(convId: string, text: string): string {
    const conversation = this.convs.get(convId) ?? this.#makeDirect(convId);
    const clientId = `fake-${this.#nextId++}`;
    const send: PendingSend = {
      clientId,
      convId,
      text,
      createdAtMs: Date.now(),
      status: 'pending',
      problem: '',
    };
    conversation.pending = [...conversation.pending, send];
    this.onUnkept();
    this.touch(convId);
    if (this.state.t === 'online') this.#deliver(conversation, send);
    return clientId;
  }

  retry(clientId: string): void {
    this.#change(clientId, (conversation, send) => {
      const again: PendingSend = {
        ...send,
        status: 'pending',
        problem: '',
        text: send.text.replace(/^\/fail ?/u, ''),
      };
      conversation.pending = conversation.pending.map((other) => (other === send ? again : other));
      this.#deliver(conversation, again);
    });
  }

  discard(clientId: string): void {
    this.#change(clientId, (conversation, send) => {
      conversation.pending = conversation.pending.filter((other) => other !== send);
    });
  }

  async direct(peer: string): Promise<string> {
    return `d_${peer}`;
  }

  markRead(convId: string, seq: number): void {
    const conversation = this.convs.get(convId);
    if (conversation === undefined || seq <= conversation.readSeq) return;
    conversation.readSeq = seq;
    this.touch();
  }

  typing(convId: string, active: boolean): void {
    this.said.push(`typing ${convId} ${active}`);
  }

  async recall(convId: string, seq: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const conversation = this.convs.get(convId);
    if (conversation === undefined) throw new ChatError('conversationNotFound', 'no such conversation');
    conversation.replace(seq, { content: { t: 'recalled', by: this.userId }, revision: 1 });
    conversation.add(this.userId, { t: 'recall', targetSeq: seq }, Date.now());
    this.touch(convId);
  }

  presence(userId: string) {
    return this.online.get(userId);
  }

  /** The next step of a send: stored, delivered, read. */
  advance(): void {
    this.#steps.shift()?.();
  }

  /** Somebody else writes. */
  receive(convId: string, sender: string, text: string): void {
    const conversation = this.convs.get(convId);
    conversation?.add(sender, text, Date.now());
    this.touch(convId);
  }

  /** The server is heard of a conversation that was stored: how far the user has read meanwhile, and how much was written. */
  catchUp(convId: string, readSeq: number, written: number): void {
    const conversation = this.convs.get(convId);
    if (conversation === undefined) return;
    for (let n = 1; n <= written; n++) conversation.add('ada', `while you were away, ${n}.`, Date.now());
    conversation.readSeq = readSeq;
    conversation.stored = false;
    this.touch(convId);
  }

  setTyping(convId: string, users: string[]): void {
    const conversation = this.convs.get(convId);
    if (conversation !== undefined) conversation.typing = users;
    this.touch();
  }

  put(conversation: FakeConversation): FakeConversation {
    this.convs.set(conversation.convId, conversation);
    this.touch(conversation.convId);
    return conversation;
  }

  touch(convId?: string): void {
    if (convId !== undefined) this.#logs.delete(convId);
    const newest = [...this.convs.values()].sort((a, b) => b.activeAtMs - a.activeAtMs);
    this.conversations = newest.map((conversation) => conversation.summary(this.userId));
    for (const listener of this.#changes) listener();
    if (convId !== undefined) for (const listener of this.#logChanges.get(convId) ?? []) listener();
  }

  #deliver(conversation: FakeConversation, send: PendingSend): void {
    const { convId } = conversation;
    this.#after(1, () => {
      if (this.state.t !== 'online' || !conversation.pending.includes(send)) return;
      if (send.text.startsWith('/fail')) {
        const failed: PendingSend = { ...send, status: 'failed', problem: 'notAllowed' };
        conversation.pending = conversation.pending.map((other) => (other === send ? failed : other));
      } else {
        conversation.pending = conversation.pending.filter((other) => other !== send);
        const { seq } = conversation.add(this.userId, send.text, Date.now(), 'sent', send.clientId);
        conversation.readSeq = seq;
        this.#later(conversation, seq, 'delivered', 1);
        this.#later(conversation, seq, 'read', 3);
      }
      this.touch(convId);
    });
  }

  #after(delays: number, step: () => void): void {
    if (this.manual) this.#steps.push(step);
    else setTimeout(step, delays * this.delayMs);
  }

  #later(conversation: FakeConversation, seq: number, status: 'delivered' | 'read', delays: number): void {
    this.#after(delays, () => {
      conversation.replace(seq, { status });
      this.touch(conversation.convId);
    });
  }

  #change(clientId: string, change: (conversation: FakeConversation, send: PendingSend) => void): void {
    for (const conversation of this.convs.values()) {
      const send = conversation.pending.find((other) => other.clientId === clientId);
      if (send === undefined) continue;
      change(conversation, send);
      this.touch(conversation.convId);
    }
  }

  #makeDirect(convId: string): FakeConversation {
    const peer = convId.slice(2);
    return this.put(new FakeConversation({ convId, title: peer, peer }));
  }
}

/** Twelve seconds from the next try. */
export function waiting(): ConnectionState {
  return { t: 'waiting', retryAtMs: Date.now() + 12_000, reason: 'connectionLost' };
}

function emptyLog(convId: string): ConversationLog {
  return { convId, items: [], pending: [], hasOlder: false, loadingOlder: false, stored: false };
}

function fakeGroups(client: FakeClient): GroupActions {
  const find = (groupId: string): FakeConversation => {
    const conversation = client.convs.get(groupId);
    if (conversation === undefined) throw new ChatError('conversationNotFound', 'no such conversation');
    return conversation;
  };
  const groupOf = (conversation: FakeConversation): Group =>
    create(GroupSchema, { groupId: conversation.convId, name: conversation.title, role: conversation.role });
  const change = async (groupId: string, act: (conversation: FakeConversation) => void): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, client.delayMs));
    act(find(groupId));
    client.touch(groupId);
  };
  return {
    async create(name, members, groupId = `g-${client.convs.size}`) {
      if (name === 'taken') throw new ChatError('groupExists', 'exists');
      const conversation = new FakeConversation({ convId: groupId, title: name, members, role: Role.OWNER });
      conversation.roles.set(client.userId, Role.OWNER);
      conversation.add(client.userId, { t: 'groupCreated', name, members }, Date.now());
      return groupOf(client.put(conversation));
    },
    async get(groupId) {
      return groupOf(find(groupId));
    },
    rename: (groupId, name) =>
      change(groupId, (conversation) => {
        conversation.title = name;
        conversation.add(client.userId, { t: 'groupRenamed', name }, Date.now());
      }),
    add: (groupId, users) =>
      change(groupId, (conversation) => {
        for (const user of users) conversation.roles.set(user, Role.MEMBER);
        conversation.add(client.userId, { t: 'membersAdded', users }, Date.now());
      }),
    remove: (groupId, user) =>
      change(groupId, (conversation) => {
        conversation.roles.delete(user);
        conversation.add(client.userId, { t: 'memberRemoved', user, left: false }, Date.now());
      }),
    leave: (groupId) =>
      change(groupId, (conversation) => {
        if (conversation.role === Role.OWNER) throw new ChatError('ownerMustHandOver', 'hand over first');
        conversation.left = true;
        conversation.add(client.userId, { t: 'memberRemoved', user: client.userId, left: true }, Date.now());
      }),
    setRole: (groupId, user, role) =>
      change(groupId, (conversation) => {
        conversation.roles.set(user, role);
        conversation.add(client.userId, { t: 'roleChanged', user, role }, Date.now());
      }),
    async *members(groupId): AsyncGenerator<Member> {
      yield* find(groupId).members();
    },
  };
}
