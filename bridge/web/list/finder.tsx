import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useChat } from '../app/client.ts';
import { goTo } from '../app/use-route.ts';
import { isDirect } from '../chat/conversation-ref.ts';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { type FindOption, findOptions } from './find-options.ts';
import './finder.css';

/** Goes to a conversation, or begins one with somebody, by typing a name. */
export function Finder({ onClose }: { onClose: () => void }) {
  const { conversations } = useChat();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const listId = useId();
  const list = useRef<HTMLUListElement>(null);
  const options = findOptions(conversations, typed);
  const active = Math.min(at, options.length - 1);
  useLayoutEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  const choose = (option: FindOption | undefined) => {
    if (option === undefined) return;
    onClose();
    goTo(
      option.t === 'user'
        ? { t: 'user', userId: option.userId }
        : { t: 'conversation', convId: option.summary.convId },
    );
  };
  return (
    <Dialog title="Find or start a chat" onClose={onClose} bare>
      <div class="finder-line">
        <Icon name="search" />
        <input
          class="finder-input"
          role="combobox"
          aria-label="Name of a person or a group"
          aria-expanded="true"
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
          placeholder="Name of a person or a group"
          data-focus
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (step !== undefined && options.length > 0) {
              event.preventDefault();
              setAt((active + step + options.length) % options.length);
            } else if (event.key === 'Enter' && !event.isComposing) {
              event.preventDefault();
              choose(options[active]);
            }
          }}
        />
        <IconButton icon="close" label="Close" onClick={onClose} />
      </div>
      <ul ref={list} id={listId} class="finder-list" role="listbox" aria-label="Matches">
        {options.map((option, i) => (
          <li
            key={option.t === 'user' ? '+' : option.summary.convId}
            id={`${listId}-${i}`}
            class="finder-option"
            role="option"
            aria-selected={i === active}
            onClick={() => choose(option)}
            onPointerMove={() => setAt(i)}
          >
            <OptionLabel option={option} />
          </li>
        ))}
      </ul>
      {options.length === 0 ? (
        <p class="finder-hint">
          {typed.trim() === '' ? 'Type a name to write to somebody.' : 'No name can be this long.'}
        </p>
      ) : null}
    </Dialog>
  );
}

function OptionLabel({ option }: { option: FindOption }) {
  if (option.t === 'user')
    return (
      <>
        <Avatar id={option.userId} name={option.userId} size="small" />
        <span class="ellipsis">
          Start a chat with <b dir="auto">{option.userId}</b>
        </span>
      </>
    );
  const { summary } = option;
  const direct = isDirect(summary);
  return (
    <>
      <Avatar id={direct ? summary.peer : summary.convId} name={summary.title} group={!direct} size="small" />
      <bdi class="finder-title ellipsis">{summary.title}</bdi>
      {summary.unread > 0 ? <span class="conversation-count">{summary.unread}</span> : null}
    </>
  );
}
