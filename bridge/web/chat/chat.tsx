import { useState } from 'preact/hooks';
import { useClient, useLog } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';
import { useAttention } from '../app/use-attention.ts';
import { MembersPanel } from '../members/members-panel.tsx';
import { toast } from '../ui/toasts.tsx';
import { Announcer } from './announcer.tsx';
import { ChatHeader } from './chat-header.tsx';
import { Composer } from './composer.tsx';
import type { OpenConversation } from './conversation-ref.ts';
import type { Drafts } from './drafts.ts';
import { LeftNote } from './left-note.tsx';
import { Messages } from './messages.tsx';
import { TypingLine } from './typing-line.tsx';
import { useUnreadMark } from './use-unread-mark.ts';
import './chat.css';

interface ChatProps {
  open: OpenConversation;
  drafts: Drafts;
  panel: boolean;
  onPanel: (open: boolean) => void;
}

/** One conversation: what was said, and where to say more. Mounted anew for each. */
export function Chat({ open, drafts, panel, onPanel }: ChatProps) {
  const client = useClient();
  const log = useLog(open.convId);
  const attention = useAttention();
  const [mark, clearMark] = useUnreadMark({ summary: open.summary, stored: log.stored, attention });
  const [sent, setSent] = useState(0);
  const { summary, convId, peer } = open;
  const send = (text: string): boolean => {
    try {
      client.send(convId, text);
    } catch (thrown) {
      toast(describeProblem(thrown));
      return false;
    }
    // Somebody who writes wants it out now, not when the back-off says.
    client.reconnectNow();
    clearMark();
    setSent((n) => n + 1);
    return true;
  };
  return (
    <>
      <section class="chat" aria-label={open.title}>
        <ChatHeader open={open} panel={panel} onPanel={onPanel} />
        <Messages open={open} log={log} mark={mark} attention={attention} sent={sent} />
        <TypingLine users={summary?.typing ?? []} direct={peer !== ''} />
        {summary?.left === true ? (
          <LeftNote />
        ) : (
          <Composer
            convId={convId}
            title={open.title}
            exists={summary !== undefined}
            drafts={drafts}
            attention={attention}
            onSend={send}
          />
        )}
        <Announcer items={log.items} me={client.userId} direct={peer !== ''} />
      </section>
      {panel && summary?.left === false && peer === '' ? (
        <MembersPanel summary={summary} log={log} onClose={() => onPanel(false)} />
      ) : null}
    </>
  );
}
