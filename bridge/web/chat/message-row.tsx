import { Avatar } from '../ui/avatar.tsx';
import { hueOf } from '../ui/avatar-look.ts';
import { Bubble } from './bubble.tsx';
import { MessageMenu } from './message-menu.tsx';
import type { MessageRow as Row } from './rows.ts';
import './message-row.css';

interface MessageRowProps {
  row: Row;
  /** In groups a run of somebody else's messages shows who it is. */
  group: boolean;
  /** Undefined when the user may not recall it. */
  onRecall: (() => void) | undefined;
}

/** A message that is in the log. */
export function MessageRow({ row, group, onRecall }: MessageRowProps) {
  const { item, own, first, last } = row;
  const named = group && !own;
  return (
    <article
      class={`message ${own ? 'message-own' : ''} ${first ? 'message-first' : ''} ${last ? 'message-last' : ''}`}
      tabIndex={-1}
      data-message
      data-seq={item.seq}
      data-status={item.status}
      aria-label={own ? 'You' : item.sender}
    >
      {named ? (
        <span class="message-face">
          {last ? <Avatar id={item.sender} name={item.sender} size="small" /> : null}
        </span>
      ) : null}
      <Bubble
        content={item.content}
        own={own}
        sender={item.sender}
        atMs={item.createdAtMs}
        status={item.status}
        name={
          named && first ? <bdi class={`message-name hue-${hueOf(item.sender)}`}>{item.sender}</bdi> : null
        }
      />
      <MessageMenu item={item} onRecall={onRecall} />
    </article>
  );
}
