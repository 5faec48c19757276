import type { Device, DevicePlatform, RegisterDeviceRequest } from '../gen/parley/chat/v1/device_pb.ts';
import type { ConversationKind, MessageBody, Role } from '../gen/parley/chat/v1/entry_pb.ts';
import type { Group, Member } from '../gen/parley/chat/v1/group_pb.ts';

/** What applications see of the client library. All seqs are plain numbers (below 2^53), msg ids decimal strings. */

export type ConnectionState =
  | { readonly t: 'idle' }
  | { readonly t: 'connecting'; readonly attempt: number }
  | { readonly t: 'online'; readonly sessionId: string }
  /** Will try again by itself. */
  | { readonly t: 'waiting'; readonly retryAtMs: number; readonly reason: string }
  /** Ended for good: signed out, token refused, superseded by a newer session of the same device. */
  | { readonly t: 'ended'; readonly reason: string };

/** failed: refused for good, see `problem`; the user may retry or discard it. */
export type MessageStatus = 'pending' | 'failed' | 'sent' | 'delivered' | 'read';

/** One line of a conversation's log. */
export interface LogItem {
  readonly seq: number;
  readonly msgId: string;
  readonly sender: string;
  readonly createdAtMs: number;
  readonly revision: number;
  readonly clientId: string;
  readonly content: LogContent;
  /** For own messages. */
  readonly status: MessageStatus | undefined;
}

export type LogContent =
  | { readonly t: 'message'; readonly body: MessageBody }
  | { readonly t: 'recalled'; readonly by: string }
  | { readonly t: 'recall'; readonly targetSeq: number }
  | { readonly t: 'groupCreated'; readonly name: string; readonly members: readonly string[] }
  | { readonly t: 'groupRenamed'; readonly name: string }
  | { readonly t: 'membersAdded'; readonly users: readonly string[] }
  | { readonly t: 'memberRemoved'; readonly user: string; readonly left: boolean }
  | { readonly t: 'roleChanged'; readonly user: string; readonly role: Role }
  | { readonly t: 'hidden'; readonly throughSeq: number };

/** A message that is not in the log yet. */
export interface PendingSend {
  readonly clientId: string;
  readonly convId: string;
  readonly text: string;
  readonly createdAtMs: number;
  readonly status: 'pending' | 'failed';
  /** Why it failed. */
  readonly problem: string;
}

export interface ConversationSummary {
  readonly convId: string;
  readonly kind: ConversationKind;
  /** The other user of a direct conversation. */
  readonly peer: string;
  /** What to show: the group's name, or the peer. */
  readonly title: string;
  readonly role: Role;
  readonly memberCount: number;
  readonly headSeq: number;
  readonly unread: number;
  readonly readSeq: number;
  readonly last: LogItem | undefined;
  readonly typing: readonly string[];
  /** True once the user has left or was removed: read-only. */
  readonly left: boolean;
}

/** A conversation's log as this client has it: a contiguous tail, ascending, older parts fetched on demand. */
export interface ConversationLog {
  readonly convId: string;
  readonly items: readonly LogItem[];
  readonly pending: readonly PendingSend[];
  /** Whether there is something older than the first item. */
  readonly hasOlder: boolean;
  readonly loadingOlder: boolean;
  /** Still as an earlier run has stored it: what is new since then is not known, or is being fetched. */
  readonly stored: boolean;
}

export type Unsubscribe = () => void;

/** A chat client. Methods that ask the server reject with a ChatError. */
export interface ChatClient {
  readonly userId: string;
  readonly state: ConnectionState;
  /** Newest first. The same array until something changes. */
  readonly conversations: readonly ConversationSummary[];
  /** Connects, and stays connected until close. */
  start(): void;
  close(): Promise<void>;
  /** Tries to connect now, instead of when the back-off says. */
  reconnectNow(): void;
  /** Called after any change of state, conversations or presence; at most once per turn of the event loop. */
  onChange(listener: () => void): Unsubscribe;
  /** Called after any change of the conversation's log. */
  onLog(convId: string, listener: () => void): Unsubscribe;
  log(convId: string): ConversationLog;
  /** Fetches older entries; resolves when they are in the log. */
  loadOlder(convId: string): Promise<void>;
  /** Puts a message into the pending sends and returns its client id; survives a reload. */
  send(convId: string, text: string): string;
  retry(clientId: string): void;
  discard(clientId: string): void;
  /** Id of the direct conversation with a user, which needn't exist yet: send to it to make it. */
  direct(peer: string): Promise<string>;
  markRead(convId: string, seq: number): void;
  typing(convId: string, active: boolean): void;
  recall(convId: string, seq: number): Promise<void>;
  /** Presence of a user, and keeps watching it. Undefined while unknown. */
  presence(userId: string): { readonly online: boolean; readonly lastSeenAtMs: number } | undefined;
  readonly groups: GroupActions;
  readonly devices: DeviceActions;
}

export interface GroupActions {
  create(name: string, members: readonly string[], groupId?: string): Promise<Group>;
  get(groupId: string): Promise<Group>;
  rename(groupId: string, name: string): Promise<void>;
  add(groupId: string, users: readonly string[]): Promise<void>;
  remove(groupId: string, user: string): Promise<void>;
  leave(groupId: string): Promise<void>;
  setRole(groupId: string, user: string, role: Role): Promise<void>;
  /** All members, page by page. */
  members(groupId: string): AsyncIterable<Member>;
}

/** What a device registers. */
export interface DeviceRegistration {
  readonly target: RegisterDeviceRequest['target'];
  readonly platform: DevicePlatform;
  /** For people, at most 100 characters. */
  readonly name?: string;
  /** Default: the id that this client names in hello. */
  readonly deviceId?: string;
}

export interface QuietHours {
  /** In minutes since midnight, 0–1,439; not before `toMinute`: over midnight, equal: all day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Of IANA. */
  readonly timeZone: string;
}

/** When the user wants no pushes: none until a time (0: at any), none at some hours. */
export interface PushSettings {
  readonly silencedUntilMs: number;
  readonly quietHours: QuietHours | undefined;
}

/** How the user is told of messages while no device has a session. A retry of each call is harmless. */
export interface DeviceActions {
  /** What a browser's `pushManager.subscribe` takes as application server key; empty: the server has no Web Push. */
  webPushKey(): Promise<Uint8Array>;
  register(registration: DeviceRegistration): Promise<Device>;
  /** The one that was seen last first. */
  list(): Promise<readonly Device[]>;
  /** Forgets a device, this one unless named; whether it was there. */
  remove(deviceId?: string): Promise<boolean>;
  /** With the conversations that are silenced, and until when. */
  settings(): Promise<PushSettings & { readonly silenced: ReadonlyMap<string, number> }>;
  saveSettings(settings: PushSettings): Promise<void>;
  /** No pushes of a conversation until then; 0 ends that, `Number.MAX_SAFE_INTEGER` is for ever. */
  silence(convId: string, untilMs: number): Promise<void>;
}

/** A refusal by the server, or the client's own. */
export class ChatError extends Error {
  /** Stable, lowerCamelCase; see docs/protocol.md. */
  readonly reason: string;
  readonly retry: 'never' | 'here' | 'elsewhere';
  readonly retryAfterMs: number;
  constructor(
    reason: string,
    message: string,
    retry: 'never' | 'here' | 'elsewhere' = 'never',
    retryAfterMs = 0,
  ) {
    super(message);
    this.name = 'ChatError';
    this.reason = reason;
    this.retry = retry;
    this.retryAfterMs = retryAfterMs;
  }
}
