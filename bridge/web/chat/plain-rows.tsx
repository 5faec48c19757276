import type { LogItem } from '../../../sdk/types.ts';
import { dayLabel } from '../app/times.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button } from '../ui/button.tsx';
import { useClient } from '../app/client.ts';
import type { OpenConversation } from './conversation-ref.ts';
import { noticeText } from './wording.ts';
import './plain-rows.css';

export function OlderRow({ failed, onRetry }: { failed: string; onRetry: () => void }) {
  return (
    <div class="older-row">
      {failed === '' ? (
        <span class="spinner" role="img" aria-label="Loading earlier messages" />
      ) : (
        <>
          <span>Earlier messages didn’t load. {failed}</span>
          <Button icon="retry" onClick={onRetry}>
            Try again
          </Button>
        </>
      )}
    </div>
  );
}

/** `whole`: whether what follows is all that there is. Who joined later is told that it isn’t. */
export function StartRow({ open, whole }: { open: OpenConversation; whole: boolean }) {
  const client = useClient();
  const self = open.peer !== '' && open.peer === client.userId;
  return (
    <div class="start-row">
      <Avatar id={open.peer || open.convId} name={open.title} group={open.peer === ''} size="large" />
      <h2 class="start-title" dir="auto">
        {open.title}
      </h2>
      {whole ? (
        <p>
          {open.peer === ''
            ? 'This is where the group begins.'
            : self
              ? 'Notes to yourself.'
              : 'This is where your conversation begins.'}
        </p>
      ) : null}
    </div>
  );
}

export function DayRow({ atMs }: { atMs: number }) {
  return (
    <div class="day-row">
      <h3 class="day-label">{dayLabel(atMs, Date.now())}</h3>
    </div>
  );
}

export function UnreadRow() {
  return (
    <div class="unread-row" role="separator" aria-label="New messages">
      <span>New messages</span>
    </div>
  );
}

export function NoticeRow({ item, me }: { item: LogItem; me: string }) {
  return (
    <p class="notice-row" data-seq={item.seq} dir="auto">
      {noticeText(item, me)}
    </p>
  );
}
