import { useMemo, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { piecesOf } from './links.ts';
import { isJumbo, isLong } from './long-text.ts';
import './text.css';

interface TextProps {
  text: string;
  /** Stands at the end of the last line where it fits. */
  children: ComponentChildren;
}

/** A message's text: addresses are links, long texts fold, right-to-left texts run as they should. */
export function Text({ text, children }: TextProps) {
  const [open, setOpen] = useState(false);
  const pieces = useMemo(() => piecesOf(text), [text]);
  const long = isLong(text);
  const body = pieces.map(({ text: shown, href }, i) =>
    href === undefined ? (
      shown
    ) : (
      <a key={i} href={href} target="_blank" rel="noopener noreferrer">
        {shown}
      </a>
    ),
  );
  if (!long)
    return (
      <p class={`text ${isJumbo(text) ? 'text-jumbo' : ''}`} dir="auto">
        {body}
        {children}
      </p>
    );
  return (
    <>
      <p class={`text ${open ? '' : 'text-folded'}`} dir="auto">
        {body}
      </p>
      <div class="text-foot">
        <button type="button" class="text-more" aria-expanded={open} onClick={() => setOpen((was) => !was)}>
          {open ? 'Show less' : 'Show all'}
        </button>
        {children}
      </div>
    </>
  );
}
