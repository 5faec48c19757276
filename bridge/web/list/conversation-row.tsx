import type { ConversationSummary } from '../../../sdk/types.ts';
import { useClient } from '../app/client.ts';
import { hashOf } from '../app/route.ts';
import { shortTime } from '../app/times.ts';
import { isDirect } from '../chat/conversation-ref.ts';
import { Ticks } from '../chat/ticks.tsx';
import { lastLine, typingText } from '../chat/wording.ts';
import { Avatar } from '../ui/avatar.tsx';
import './conversation-row.css';

interface ConversationRowProps {
  summary: ConversationSummary;
  selected: boolean;
  /** Whether the tab key stops here; arrow keys reach the others. */
  tabStop: boolean;
  draft: string;
  now: number;
}

export function ConversationRow({ summary, selected, tabStop, draft, now }: ConversationRowProps) {
  const client = useClient();
  const direct = isDirect(summary);
  const online = direct && client.presence(summary.peer)?.online === true;
  const { last, unread } = summary;
  return (
    <a
      href={hashOf({ t: 'conversation', convId: summary.convId })}
      class={`conversation ${unread > 0 ? 'conversation-unread' : ''}`}
      aria-current={selected ? 'page' : undefined}
      tabIndex={tabStop ? 0 : -1}
      data-conv={summary.convId}
    >
      <Avatar
        id={direct ? summary.peer : summary.convId}
        name={summary.title}
        group={!direct}
        online={online}
      />
      <span class="conversation-text">
        <span class="conversation-top">
          <bdi class="conversation-title ellipsis">{summary.title}</bdi>
          {online ? <span class="visually-hidden">, online</span> : null}
          {last === undefined ? null : (
            <time class="conversation-time" dateTime={new Date(last.createdAtMs).toISOString()}>
              {shortTime(last.createdAtMs, now)}
            </time>
          )}
        </span>
        <span class="conversation-bottom">
          <Line summary={summary} draft={draft} direct={direct} me={client.userId} />
          {unread > 0 ? (
            <span class="conversation-count">
              {unread > 999 ? '999+' : unread}
              <span class="visually-hidden"> unread</span>
            </span>
          ) : null}
        </span>
      </span>
    </a>
  );
}

interface LineProps {
  summary: ConversationSummary;
  draft: string;
  direct: boolean;
  me: string;
}

/** What matters most of a conversation: that somebody types, what is unfinished, what was said last. */
function Line({ summary, draft, direct, me }: LineProps) {
  const { typing, last } = summary;
  if (typing.length > 0)
    return <span class="conversation-line conversation-typing ellipsis">{typingText(typing, direct)}</span>;
  if (draft.trim() !== '')
    return (
      <span class="conversation-line ellipsis">
        <span class="conversation-draft">Draft:</span> <bdi>{draft.slice(0, 200)}</bdi>
      </span>
    );
  if (last === undefined) return <span class="conversation-line ellipsis">No messages yet</span>;
  return (
    <>
      {last.status === undefined || last.content.t !== 'message' ? null : <Ticks status={last.status} />}
      <span class="conversation-line ellipsis" dir="auto">
        {lastLine(last, me, direct)}
      </span>
    </>
  );
}
