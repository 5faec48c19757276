import type { ConversationKind, EntryKind, HistoryVisibility, Role } from './message-store.ts';

/** The numbers under which both stores keep words. */

// On disk a word is its place in these lists: append, never reorder.
const entryKinds: readonly EntryKind[] = [
  'message',
  'recall',
  'groupCreated',
  'groupRenamed',
  'membersAdded',
  'memberRemoved',
  'roleChanged',
];
const conversationKinds: readonly ConversationKind[] = ['direct', 'group'];
const roles: readonly Role[] = ['member', 'admin', 'owner'];
const visibilities: readonly HistoryVisibility[] = ['sinceJoin', 'all'];

export const entryKindCode = codeOf(entryKinds);
export const entryKindAt = wordAt(entryKinds);
export const conversationKindCode = codeOf(conversationKinds);
export const conversationKindAt = wordAt(conversationKinds);
export const roleCode = codeOf(roles);
export const roleAt = wordAt(roles);
export const visibilityCode = codeOf(visibilities);
export const visibilityAt = wordAt(visibilities);

function codeOf<W extends string>(words: readonly W[]): (word: W) => number {
  const codes = new Map<string, number>(words.map((word, code) => [word, code]));
  return (word) => {
    const code = codes.get(word);
    if (code === undefined) throw new RangeError(`unknown word ${word}`);
    return code;
  };
}

function wordAt<W extends string>(words: readonly W[]): (code: number) => W {
  return (code) => {
    const word = words[code];
    if (word === undefined) throw new RangeError(`unknown code ${code}: written by a newer version?`);
    return word;
  };
}
