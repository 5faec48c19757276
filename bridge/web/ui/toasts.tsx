import { useEffect, useState } from 'preact/hooks';
import { IconButton } from './button.tsx';
import './toasts.css';

interface Toast {
  readonly id: number;
  readonly text: string;
}

const shownForMs = 7_000;
const most = 3;

let shown: readonly Toast[] = [];
let lastId = 0;
let tell = () => {};

/** Says something that needs no answer, such as why an action failed. At most three stand at once. */
export function toast(text: string): void {
  const id = ++lastId;
  shown = [...shown.filter((other) => other.text !== text), { id, text }].slice(-most);
  tell();
  setTimeout(() => dismiss(id), shownForMs);
}

function dismiss(id: number): void {
  shown = shown.filter((other) => other.id !== id);
  tell();
}

/** Where toasts appear; mounted once. */
export function Toasts() {
  const [, redraw] = useState(0);
  useEffect(() => {
    tell = () => redraw((n) => n + 1);
    return () => {
      tell = () => {};
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text }) => (
        <div key={id} class="toast">
          <span class="toast-text">{text}</span>
          <IconButton icon="close" label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
