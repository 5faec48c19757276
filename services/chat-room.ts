import type { ChatClient, ConversationSummary, LogItem, Unsubscribe } from '../sdk/types.ts';
import { ChatError } from '../sdk/types.ts';
import {
  clockTime,
  dayLine,
  describeConversation,
  describeItem,
  describeReason,
  explain,
  printable,
  roleName,
} from './chat-lines.ts';

/** How many entries are shown of a conversation that is entered. */
const shownOnEntry = 20;

export interface RoomScreen {
  print(text: string): void;
  prompt: string;
}

interface RoomCommand {
  readonly usage: string;
  readonly doc: string;
  run(operand: string): Promise<void> | void;
}

/** One user's view of the conversations, a line at a time: prints what happens, and does what is typed. */
export class ChatRoom {
  readonly #client: ChatClient;
  readonly #screen: RoomScreen;
  readonly #commands: ReadonlyMap<string, RoomCommand>;
  #convId: string | undefined;
  #stopLog: Unsubscribe = () => undefined;
  readonly #stopChanges: Unsubscribe;
  /** The last entry that was printed here, or is further back than what is shown. */
  #printed: LogItem | undefined;
  #printedDay = '';
  #connection = '';
  #presence: boolean | undefined;
  /** Where something was typed. */
  readonly #visited = new Set<string>();
  /** Unread messages last told of, by conversation. */
  readonly #told = new Map<string, number>();
  /** How many messages were typed that are given up: refused by the server, or before they went to it. */
  refused = 0;
  /** Ended by /quit. */
  left = false;

  constructor(options: { client: ChatClient; screen: RoomScreen }) {
    this.#client = options.client;
    this.#screen = options.screen;
    this.#commands = new Map(Object.entries(this.#table()));
    this.#connection = this.#client.state.t;
    this.#stopChanges = this.#client.onChange(() => this.#changed());
    // What came with the welcome is no change any more.
    this.#changed();
  }

  /** Does what a typed line says. Never rejects: what goes wrong is printed. */
  async take(line: string): Promise<void> {
    const isCommand = line.startsWith('/');
    try {
      if (isCommand) await this.#command(line);
      else this.#send(line);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (!isCommand) this.refused += 1;
      this.#say(`! ${explain(error)}`);
    }
  }

  /** The direct conversation with a user. */
  async talkTo(user: string): Promise<void> {
    this.#enter(await this.#client.direct(user), user);
    // Asks for it; the answer is printed when it comes.
    this.#client.presence(user);
  }

  /** A group, by its id or the name that it has in the list. */
  async joinGroup(name: string): Promise<void> {
    const known = this.#client.conversations.filter((one) => one.peer === '' && one.title === name);
    const groupId = known.length === 1 ? (known[0] as ConversationSummary).convId : name;
    const group = await this.#client.groups.get(groupId);
    this.#enter(group.groupId, group.name);
  }

  list(): void {
    const { conversations, userId } = this.#client;
    if (conversations.length === 0) this.#say('No conversations yet. Begin one with /to USER.');
    for (const one of conversations) this.#say(describeConversation(one, userId));
  }

  /** How many of what was typed are not sent. */
  get unsent(): number {
    let unsent = 0;
    for (const convId of this.#visited) unsent += this.#client.log(convId).pending.length;
    return unsent;
  }

  close(): void {
    this.#stopLog();
    this.#stopChanges();
  }

  #table(): Record<string, RoomCommand> {
    return {
      to: { usage: '/to USER', doc: 'talk to somebody', run: (user) => this.talkTo(needed(user, 'a user')) },
      group: {
        usage: '/group GROUP',
        doc: 'talk in a group',
        run: (group) => this.joinGroup(needed(group, 'a group')),
      },
      list: { usage: '/list', doc: 'your conversations', run: () => this.list() },
      older: { usage: '/older', doc: 'what was said before', run: () => this.#older() },
      members: { usage: '/members', doc: 'who is in this group', run: () => this.#members() },
      create: {
        usage: '/create NAME',
        doc: 'make a group',
        run: (name) => this.#create(needed(name, 'a name')),
      },
      add: {
        usage: '/add USER',
        doc: 'add somebody to this group',
        run: (user) => this.#client.groups.add(this.#here(), [needed(user, 'a user')]),
      },
      leave: { usage: '/leave', doc: 'leave this group', run: () => this.#client.groups.leave(this.#here()) },
      recall: { usage: '/recall', doc: 'take your last message back', run: () => this.#recall() },
      help: { usage: '/help', doc: 'this list', run: () => this.#help() },
      quit: {
        usage: '/quit',
        doc: 'leave',
        run: () => {
          this.left = true;
        },
      },
    };
  }

  async #command(line: string): Promise<void> {
    const [, name = '', operand = ''] = /^\/(\S*)\s*(.*)$/su.exec(line) ?? [];
    const command = this.#commands.get(name);
    if (command === undefined) this.#say(`! there is no /${printable(name)}: see /help`);
    else await command.run(operand.trim());
  }

  #send(text: string): void {
    if (text.trim() === '') return;
    const convId = this.#here();
    this.#visited.add(convId);
    this.#client.send(convId, text);
    if (this.#client.state.t !== 'online') this.#say('* not connected: it is sent when the server is back');
  }

  #enter(convId: string, title: string): void {
    this.#stopLog();
    this.#convId = convId;
    this.#printed = undefined;
    this.#printedDay = '';
    this.#presence = undefined;
    this.#screen.prompt = printable(title);
    this.#stopLog = this.#client.onLog(convId, () => this.#printNew());
    this.#say(`— ${printable(title)} —`);
    this.#printed = this.#client.log(convId).items.at(-shownOnEntry - 1);
    this.#printNew();
  }

  #changed(): void {
    this.#tellFailures();
    this.#tellConnection();
    this.#tellPresence();
    for (const { convId, unread, title } of this.#client.conversations) {
      const before = this.#told.get(convId) ?? 0;
      this.#told.set(convId, unread);
      if (unread > before && convId !== this.#convId) this.#say(`* ${printable(title)}: ${unread} unread`);
    }
  }

  #tellConnection(): void {
    const { state } = this.#client;
    // Every attempt is a change; only losing it and having it again is news.
    if (state.t === this.#connection || state.t === 'connecting') return;
    const lost = this.#connection === 'online';
    this.#connection = state.t;
    if (state.t === 'online') this.#say('* connected');
    else if (state.t === 'ended') this.#say(`* disconnected: ${describeReason(state.reason)}`);
    else if (state.t === 'waiting' && lost) this.#say(`* ${describeReason(state.reason)}: trying again`);
  }

  #tellPresence(): void {
    const peer = this.#current()?.peer ?? '';
    if (peer === '') return;
    const online = this.#client.presence(peer)?.online;
    if (online === undefined || online === this.#presence) return;
    this.#presence = online;
    this.#say(`* ${printable(peer)} is ${online ? 'online' : 'offline'}`);
  }

  #printNew(): void {
    const convId = this.#convId;
    if (convId === undefined) return;
    const { items } = this.#client.log(convId);
    const last = items.at(-1);
    if (last === undefined) return;
    if (this.#printed !== undefined && !continues(items, this.#printed)) {
      this.#say('* the server was restored to an earlier state; its last entries are:');
      this.#printed = items.at(-shownOnEntry - 1);
    }
    const from = this.#printed?.seq ?? 0;
    for (const item of items) if (item.seq > from) this.#printItem(item);
    this.#printed = last;
    this.#client.markRead(convId, last.seq);
  }

  /** Whatever was refused for good, wherever it was typed: it would wait for ever. */
  #tellFailures(): void {
    for (const convId of this.#visited)
      for (const send of this.#client.log(convId).pending) {
        if (send.status !== 'failed') continue;
        this.refused += 1;
        this.#say(`! not sent: ${describeReason(send.problem)}: ${printable(send.text)}`);
        this.#client.discard(send.clientId);
      }
  }

  #printItem(item: LogItem): void {
    const day = item.content.t === 'hidden' ? this.#printedDay : dayLine(item.createdAtMs);
    if (day !== this.#printedDay) this.#say(day);
    this.#printedDay = day;
    const time = item.content.t === 'hidden' ? '     ' : clockTime(item.createdAtMs);
    this.#say(`${time} ${describeItem(item, this.#client.userId)}`);
  }

  async #older(): Promise<void> {
    const convId = this.#here();
    const firstSeq = this.#client.log(convId).items[0]?.seq ?? 0;
    if (this.#client.log(convId).hasOlder) await this.#client.loadOlder(convId);
    const older = this.#client.log(convId).items.filter((item) => item.seq < firstSeq);
    this.#say(older.length === 0 ? '* nothing before this' : '* before that:');
    this.#printedDay = '';
    for (const item of older) this.#printItem(item);
    this.#printedDay = '';
  }

  async #members(): Promise<void> {
    for await (const member of this.#client.groups.members(this.#here()))
      this.#say(`  ${printable(member.userId).padEnd(20)} ${roleName(member.role)}`);
  }

  async #create(name: string): Promise<void> {
    const group = await this.#client.groups.create(name, []);
    this.#enter(group.groupId, group.name);
  }

  async #recall(): Promise<void> {
    const convId = this.#here();
    const own = this.#client
      .log(convId)
      .items.findLast((item) => item.sender === this.#client.userId && item.content.t === 'message');
    if (own === undefined) this.#say('* there is no message of yours here');
    else await this.#client.recall(convId, own.seq);
  }

  #help(): void {
    for (const { usage, doc } of this.#commands.values()) this.#say(`  ${usage.padEnd(14)} ${doc}`);
  }

  #current(): ConversationSummary | undefined {
    return this.#client.conversations.find((one) => one.convId === this.#convId);
  }

  #here(): string {
    if (this.#convId === undefined)
      throw new ChatError('noConversation', 'first say where: /to USER or /group GROUP');
    return this.#convId;
  }

  #say(text: string): void {
    this.#screen.print(text);
  }
}

/** Whether a log has an entry still, or is further on than what it holds of it. False once the log is another one. */
function continues(items: readonly LogItem[], printed: LogItem): boolean {
  if ((items.at(-1)?.seq ?? 0) < printed.seq) return false;
  const there = items.find(({ seq }) => seq === printed.seq);
  return there === undefined || there.msgId === printed.msgId;
}

function needed(operand: string, what: string): string {
  if (operand === '') throw new ChatError('operandMissing', `it needs ${what}`);
  return operand;
}
