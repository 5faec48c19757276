import type { ConversationSummary } from '../../../sdk/types.ts';
import { nameProblem, tidyName } from '../app/name-problem.ts';
import { isDirect } from '../chat/conversation-ref.ts';

export type FindOption =
  | { readonly t: 'conversation'; readonly summary: ConversationSummary }
  /** Somebody to whom nothing has been written yet. */
  | { readonly t: 'user'; readonly userId: string };

const most = 50;

/** Where what is typed may lead: conversations whose title begins with it, then those that contain it, then a new chat. */
export function findOptions(
  conversations: readonly ConversationSummary[],
  typed: string,
): readonly FindOption[] {
  const name = tidyName(typed);
  const needle = name.toLocaleLowerCase();
  const starts: FindOption[] = [];
  const contains: FindOption[] = [];
  for (const summary of conversations) {
    const at = summary.title.toLocaleLowerCase().indexOf(needle);
    if (at === 0) starts.push({ t: 'conversation', summary });
    else if (at > 0) contains.push({ t: 'conversation', summary });
  }
  const found = [...starts, ...contains].slice(0, most);
  const known = conversations.some((summary) => isDirect(summary) && summary.peer === name);
  if (!known && nameProblem(name) === '') found.push({ t: 'user', userId: name });
  return found;
}
