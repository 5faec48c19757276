import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { LogContent, MessageStatus } from '../../../sdk/types.ts';
import { clockTime, exactTime } from '../app/times.ts';
import { Icon } from '../ui/icon.tsx';
import { Text } from './text.tsx';
import { Ticks } from './ticks.tsx';
import './bubble.css';

interface BubbleProps {
  content: LogContent;
  own: boolean;
  sender: string;
  atMs: number;
  status: MessageStatus | undefined;
  name?: ComponentChildren;
}

export function Bubble({ content, own, sender, atMs, status, name = null }: BubbleProps) {
  const when = useMemo(() => ({ iso: new Date(atMs).toISOString(), exact: exactTime(atMs) }), [atMs]);
  const meta = (
    <span class="bubble-meta">
      <time dateTime={when.iso} title={when.exact}>
        {clockTime(atMs)}
      </time>
      {own && status !== undefined && content.t === 'message' ? <Ticks status={status} /> : null}
    </span>
  );
  return (
    <div class={`bubble ${content.t === 'recalled' ? 'bubble-recalled' : ''}`}>
      {name}
      {contentOf(content, own ? 'You' : sender, meta)}
    </div>
  );
}

function contentOf(content: LogContent, sender: string, meta: ComponentChildren): ComponentChildren {
  if (content.t === 'recalled')
    return (
      <p class="bubble-note">
        <Icon name="recall" size={16} />
        <span>{recallText(content.by, sender)}</span>
        {meta}
      </p>
    );
  if (content.t !== 'message') return null;
  const { content: inner, contentType } = content.body;
  if (inner.case === 'text') return <Text text={inner.value}>{meta}</Text>;
  return (
    <p class="bubble-note">
      <Icon name="warning" size={16} />
      <span>Something this page can’t show{contentType === '' ? '' : ` (${contentType})`}</span>
      {meta}
    </p>
  );
}

function recallText(by: string, sender: string): string {
  if (sender === 'You') return 'You recalled this message';
  return `${by === '' ? sender : by} recalled this message`;
}
