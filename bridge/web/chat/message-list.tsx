import type { ComponentChildren, RefObject } from 'preact';
import { useImperativeHandle, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
import { estimateHeight } from './estimate-height.ts';
import { moveAmongMessages } from './message-keys.ts';
import type { Row } from './rows.ts';
import { type Place, type Range, ScrollModel } from './scroll-model.ts';
import './message-list.css';

export interface ListView {
  readonly atEnd: boolean;
  /** The rows of which something is in view. */
  readonly visible: Range;
  /** Whether the beginning of what is loaded is near. */
  readonly nearStart: boolean;
}

export interface ListControls {
  goTo(place: Place): void;
  has(key: string): boolean;
}

interface MessageListProps {
  rows: readonly Row[];
  label: string;
  /** Where to begin. */
  start: Place;
  draw: (row: Row) => ComponentChildren;
  onView: (view: ListView) => void;
  controls: RefObject<ListControls | null>;
}

const nearStartPx = 1_600;

/** Draws the rows near the viewport, and keeps what the reader looks at where it is. See ScrollModel. */
export function MessageList({ rows, label, start, draw, onView, controls }: MessageListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [model] = useState(() => beginAt(start));
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const state = useRef({ begun: false, jumping: true, carry: 0 }).current;

  useMemo(() => {
    model.setRows(rows.map(specOf));
    state.carry += model.correction();
  }, [rows]);
  const { from, to } = model.range();

  const tell = () => {
    const visible = model.visible();
    onView({ atEnd: model.atEnd, visible, nearStart: model.offset(visible.from) < nearStartPx });
  };
  const settle = () => {
    const box = scroller.current;
    if (box === null || content.current === null) return;
    model.resized(box.clientHeight);
    const news = model.measured(heightsIn(content.current));
    const by = state.carry + model.correction();
    state.carry = 0;
    if (model.atEnd) toEnd(box);
    else if (!state.begun) box.scrollTop = model.top;
    else if (Math.abs(by) >= 0.5) box.scrollTop += by;
    state.begun = true;
    const after = model.range();
    if (news || after.from !== from || after.to !== to) redraw(undefined);
    else if (state.jumping) {
      state.jumping = false;
      model.scrolled(box.scrollTop);
    }
    tell();
  };
  useLayoutEffect(settle);
  useResize([scroller, content], settle);

  useImperativeHandle(controls, () => ({
    goTo(place) {
      state.jumping = true;
      model.goTo(place);
      redraw(undefined);
    },
    has: (key) => model.has(key),
  }));

  return (
    <div
      ref={scroller}
      class="messages"
      role="log"
      aria-label={label}
      aria-live="off"
      tabIndex={0}
      onScroll={(event) => {
        model.scrolled(event.currentTarget.scrollTop);
        const now = model.range();
        if (now.from !== from || now.to !== to) redraw(undefined);
        else tell();
      }}
      onKeyDown={moveAmongMessages}
    >
      <div ref={content} class="messages-content">
        <div key="above" style={{ height: `${model.offset(from)}px` }} />
        {rows.slice(from, to).map((row) => (
          <div key={row.key} data-row={row.key} class="messages-row">
            {draw(row)}
          </div>
        ))}
        <div key="below" style={{ height: `${model.height - model.offset(to)}px` }} />
      </div>
    </div>
  );
}

function beginAt(start: Place): ScrollModel {
  const model = new ScrollModel();
  model.resized(innerHeight);
  model.goTo(start);
  return model;
}

function specOf(row: Row) {
  const anchor = row.t === 'message' || row.t === 'pending' || row.t === 'notice';
  return { key: row.key, estimate: estimateHeight(row), anchor };
}

function* heightsIn(content: HTMLElement): Generator<[string, number]> {
  for (const child of content.children) {
    const key = (child as HTMLElement).dataset.row;
    if (key !== undefined) yield [key, child.getBoundingClientRect().height];
  }
}

function toEnd(box: HTMLElement): void {
  const end = box.scrollHeight - box.clientHeight;
  if (Math.abs(end - box.scrollTop) >= 1) box.scrollTop = end;
}

/** Calls back when one of the elements gets another size, be it by the window, a font or a text unfolded. */
function useResize(elements: readonly RefObject<Element | null>[], onResize: () => void): void {
  const latest = useRef(onResize);
  latest.current = onResize;
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => latest.current());
    for (const { current } of elements) if (current !== null) observer.observe(current);
    return () => observer.disconnect();
  }, []);
}
