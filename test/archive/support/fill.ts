import { createHash } from 'node:crypto';
import type { ConvId, UserId } from '../../../services/core/ids.ts';
import type { Devices } from '../../../services/ports/devices.ts';
import type { DeviceStore } from './stores.ts';
import type { ConversationCommit, MessageStore } from '../../../services/ports/message-store.ts';
import {
  append,
  batch,
  bytes,
  clientKey,
  createDirect,
  createGroup,
  entry,
  group,
  member,
  newNumber,
  type SampleConversation,
  user,
} from '../../../services/ports/message-store-conformance/samples.ts';

interface Size {
  readonly conversations: number;
  /** Of each, besides its first entry. */
  readonly entries: number;
}

const atOnce = 64;

/** Writes groups and direct conversations with all that a store can hold: former members, recalls, cursors, odd names. */
export async function fill(store: DeviceStore, { conversations, entries }: Size): Promise<void> {
  await fillUsers(store.devices, conversations);
  const made: SampleConversation[] = [];
  for (let at = 0; at < conversations; at += 1)
    made.push({ convNo: newNumber(), convId: idOf(at) as ConvId });
  for (let at = 0; at < made.length; at += atOnce) {
    const part = made.slice(at, at + atOnce);
    await committed(
      store,
      part.map((to, index) => begin(to, at + index)),
    );
    for (let seq = 2; seq <= entries + 1; seq += 1)
      await committed(
        store,
        part.map((to, index) => next(to, at + index, seq)),
      );
    await store.raiseCursors(
      part.map((to, index) => ({
        convNo: to.convNo,
        userId: userOf(at + index),
        deliveredSeq: entries,
        readSeq: Math.floor(entries / 2),
        readOrd: 1,
      })),
    );
  }
}

/** Users with devices, with wishes, with both, and with wishes that came to nothing. */
async function fillUsers(devices: Devices, users: number): Promise<void> {
  for (let at = 0; at < users; at += 1) {
    const userId = userOf(at);
    for (let no = 0; no < at % 3; no += 1) {
      const target = { t: 'apns', token: `${at}-${no}`, environment: 'sandbox' } as const;
      const device = { userId, deviceId: `device ${no}`, platform: 'ios', name: `Ää ${at}`, target } as const;
      await devices.register(device, 1_000 + no);
    }
    const quietHours = at % 4 === 1 ? { fromMinute: at, toMinute: 0, timeZone: 'Asia/Tokyo' } : undefined;
    if (at % 2 === 1) await devices.saveSettings(userId, { silencedUntilMs: at - 1, quietHours });
    if (at % 5 === 0)
      for (const convId of ['garden', 'é', `d_${at}`] as ConvId[])
        await devices.silence(userId, { convId, untilMs: 5_000 + at }, 1_000);
  }
}

async function committed(store: MessageStore, commits: readonly ConversationCommit[]): Promise<void> {
  for (const outcome of await store.commit(batch(store, ...commits)))
    if (outcome.t !== 'committed') throw new Error(`a sample is ${outcome.t}`);
}

function idOf(at: number): string {
  return isDirect(at)
    ? `d_${createHash('sha256').update(String(at)).digest('hex')}`
    : `group ${at} – ü\u{1f331}`;
}

function isDirect(at: number): boolean {
  return at % 3 === 0;
}

function userOf(at: number): UserId {
  return user(`user ${at % 50} é`);
}

function begin(to: SampleConversation, at: number): ConversationCommit {
  // Some talk to themselves.
  if (isDirect(at))
    return createDirect(
      to,
      [entry(1, { clientKey: clientKey(`first ${at}`) })],
      at % 9 === 0 ? [userOf(at)] : [userOf(at), user('ada')],
    );
  const members = [member(userOf(at), { role: 'owner' }), member(user('ada'), { leftSeq: 1, leftOrd: 0 })];
  return createGroup(to, {
    members,
    group: group({ name: `No. ${at} \u0000'"\\`, history: at % 2 === 0 ? 'all' : 'sinceJoin' }),
    entries: [entry(1, { kind: 'groupCreated', ord: 0 })],
  });
}

function next(to: SampleConversation, at: number, seq: number): ConversationCommit {
  const ord = isDirect(at) ? seq : seq - 1;
  const one = entry(seq, {
    ord,
    sender: userOf(at),
    clientKey: seq % 2 === 0 ? clientKey(`${at} ${seq}`) : undefined,
    content: bytes(`${at} ${seq} `.repeat(1 + ((at + seq) % 20))),
  });
  if (seq % 7 !== 0) return append(to, [one]);
  // Recalled in its own batch: the row changes, and the conversation says which entry changed one.
  const { msgId } = one;
  return append(to, [one], {
    projections: [{ seq, msgId, revision: 1, recalled: true, content: bytes('recalled') }],
  });
}
