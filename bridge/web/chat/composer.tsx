import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useClient } from '../app/client.ts';
import { IconButton } from '../ui/button.tsx';
import type { Drafts } from './drafts.ts';
import { textLeft } from './text-limit.ts';
import { TypingSender } from './typing-sender.ts';
import './composer.css';

interface ComposerProps {
  convId: string;
  title: string;
  /** Whether the conversation exists: typing in one that doesn't has nobody to be told. */
  exists: boolean;
  drafts: Drafts;
  attention: boolean;
  /** False when the text was not taken. */
  onSend: (text: string) => boolean;
}

/** Where messages are written. Enter sends, Shift+Enter begins a line; what is not sent stays as a draft. */
export function Composer({ convId, title, exists, drafts, attention, onSend }: ComposerProps) {
  const client = useClient();
  const [text, setText] = useState(() => drafts.get(convId));
  const input = useRef<HTMLTextAreaElement>(null);
  const told = useRef(exists);
  told.current = exists;
  const [typing] = useState(
    () => new TypingSender((active) => told.current && client.typing(convId, active)),
  );
  useEffect(() => () => typing.stop(), []);
  useEffect(() => {
    // On a phone this would raise the keyboard over what one came to read.
    if (matchMedia('(pointer: fine)').matches) input.current?.focus();
  }, []);
  // What was sent or written in another tab must not stand here, one Enter away from being sent again.
  useEffect(
    () =>
      drafts.onChange(() => {
        const isWritten = attention && document.activeElement === input.current;
        if (!isWritten) setText(drafts.get(convId));
      }),
    [drafts, convId, attention],
  );
  useLayoutEffect(() => fit(input.current), [text]);

  const { label, over } = textLeft(text);
  const ready = text.trim() !== '' && !over;
  const change = (next: string) => {
    setText(next);
    drafts.set(convId, next);
  };
  const send = () => {
    if (!ready) return;
    typing.stop();
    if (onSend(text.trim())) change('');
    input.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class={`composer-box ${over ? 'composer-over' : ''}`}>
        <textarea
          ref={input}
          class="composer-input"
          rows={1}
          dir="auto"
          data-composer
          placeholder="Write a message"
          aria-label={`Message to ${title}`}
          aria-invalid={over}
          enterkeyhint="send"
          value={text}
          onInput={(event) => {
            change(event.currentTarget.value);
            if (event.currentTarget.value.trim() === '') typing.stop();
            else typing.typed(Date.now());
          }}
          onKeyDown={(event) => {
            // While an input method composes, Enter belongs to it.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
            event.preventDefault();
            send();
          }}
        />
        {label === '' ? null : (
          <span class="composer-count" role={over ? 'alert' : undefined}>
            {label}
          </span>
        )}
        <IconButton class="composer-send" type="submit" icon="send" label="Send" disabled={!ready} />
      </div>
    </form>
  );
}

/** Whether the browser does it by itself. */
const fits = CSS.supports('field-sizing', 'content');

/** As high as its text, up to what the style sheet allows. */
function fit(input: HTMLTextAreaElement | null): void {
  if (fits || input === null) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
