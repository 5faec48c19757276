import { useEffect, useRef } from 'preact/hooks';

interface Shortcuts {
  onFind: () => void;
}

/** Keys that work wherever the focus is: Ctrl/Cmd+K finds, and what is typed into nothing goes into the message. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (document.querySelector('dialog[open]') !== null) return;
      if (
        (event.ctrlKey || event.metaKey) &&
        !event.altKey &&
        !event.shiftKey &&
        event.key.toLowerCase() === 'k'
      ) {
        event.preventDefault();
        latest.current.onFind();
      } else if (isText(event) && takesNoText(document.activeElement)) {
        document.querySelector<HTMLElement>('[data-composer]')?.focus();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function isText(event: KeyboardEvent): boolean {
  return (
    [...event.key].length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey
  );
}

/** The page itself, the list of messages or one of them; not a button or a field, which have keys of their own. */
function takesNoText(element: Element | null): boolean {
  return element === null || element === document.body || element.matches('[role="log"], [data-message]');
}
