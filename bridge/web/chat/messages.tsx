import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { ConversationLog, LogItem } from '../../../sdk/types.ts';
import { useClient } from '../app/client.ts';
import { Confirm } from '../ui/confirm.tsx';
import type { OpenConversation } from './conversation-ref.ts';
import { FloatingDay } from './floating-day.tsx';
import { JumpButton } from './jump-button.tsx';
import { type ListControls, MessageList } from './message-list.tsx';
import { MessageRow } from './message-row.tsx';
import { PendingRow } from './pending-row.tsx';
import { DayRow, NoticeRow, OlderRow, StartRow, UnreadRow } from './plain-rows.tsx';
import { type Row, rowsOf, unreadIsOlder, unreadKey } from './rows.ts';
import { useListView } from './use-list-view.ts';
import { useMarkRead } from './use-mark-read.ts';
import { useOlder } from './use-older.ts';
import type { UnreadMark } from './use-unread-mark.ts';

interface MessagesProps {
  open: OpenConversation;
  log: ConversationLog;
  mark: UnreadMark;
  attention: boolean;
  /** Grows with each message that the user sends: the list then goes to its end. */
  sent: number;
}

/** The messages of a conversation, with what hangs on where the reader is: older ones, read marks, the way back down. */
export function Messages({ open, log, mark, attention, sent }: MessagesProps) {
  const client = useClient();
  const me = client.userId;
  const unreadAfter = mark.after;
  const rows = useMemo(() => rowsOf({ log, me, unreadAfter }), [log, me, unreadAfter]);
  const controls = useRef<ListControls>(null);
  const { list, view, onView } = useListView(rows, mark);
  const [recalling, setRecalling] = useState<LogItem>();
  const older = useOlder(log, view?.nearStart === true);
  useMarkRead({ convId: open.convId, log, rows, view, known: mark.known, attention });
  useEffect(() => {
    if (sent > 0) controls.current?.goTo({ t: 'end' });
  }, [sent]);

  const group = open.peer === '';
  const role = open.summary?.role ?? Role.UNSPECIFIED;
  const leads = group && (role === Role.OWNER || role === Role.ADMIN) && open.summary?.left !== true;
  const draw = (row: Row) => {
    switch (row.t) {
      case 'older':
        return <OlderRow failed={older.failed} onRetry={older.load} />;
      case 'start':
        return <StartRow open={open} whole={log.items[0]?.content.t !== 'hidden'} />;
      case 'day':
        return <DayRow atMs={row.atMs} />;
      case 'unread':
        return <UnreadRow />;
      case 'notice':
        return <NoticeRow item={row.item} me={me} />;
      case 'pending':
        return <PendingRow row={row} />;
      case 'message': {
        const recall = row.own || leads ? () => setRecalling(row.item) : undefined;
        return <MessageRow row={row} group={group} onRecall={recall} />;
      }
    }
  };
  return (
    <div class="chat-messages">
      <MessageList
        key={list}
        rows={rows}
        label={`Messages in ${open.title}`}
        start={
          rows.some((row) => row.key === unreadKey) ? { t: 'row', key: unreadKey, offset: 96 } : { t: 'end' }
        }
        draw={draw}
        onView={onView}
        controls={controls}
      />
      {unreadAfter !== undefined && unreadIsOlder(log, unreadAfter) ? (
        <JumpButton
          to="unread"
          count={open.summary?.unread ?? 0}
          onJump={() =>
            older.loadUntil(unreadAfter, () =>
              controls.current?.goTo({ t: 'row', key: unreadKey, offset: 96 }),
            )
          }
        />
      ) : view?.atEnd === false ? (
        <FloatingDay row={rows[view.visible.from]} />
      ) : null}
      {view?.atEnd === false ? (
        <JumpButton
          to="end"
          count={open.summary?.unread ?? 0}
          onJump={() => controls.current?.goTo({ t: 'end' })}
        />
      ) : null}
      {recalling === undefined ? null : (
        <Confirm
          title="Recall this message?"
          text="Its text is removed for everybody. That there was a message stays visible."
          action="Recall"
          onConfirm={() => client.recall(open.convId, recalling.seq)}
          onClose={() => setRecalling(undefined)}
        />
      )}
    </div>
  );
}
