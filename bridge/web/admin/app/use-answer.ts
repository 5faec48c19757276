import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { describeAdmin } from './describe-admin.ts';

export interface Answered<T> {
  /** The last answer, also while later ones fail. */
  readonly answer: T | undefined;
  /** Why there is no newer one; empty while all is well. */
  readonly problem: string;
  /** When it came, in milliseconds since 1970. */
  readonly atMs: number;
  /** Asks now. */
  readonly again: () => void;
}

/**
 * Asks, and asks again every so many milliseconds while somebody looks; 0: only when `key` changes or when told to. One
 * question at a time: a server that is slow is not asked faster.
 */
export function useAnswer<T>(ask: () => Promise<T>, key: string, everyMs: number): Answered<T> {
  const [state, setState] = useState<Omit<Answered<T>, 'again'>>({ answer: undefined, problem: '', atMs: 0 });
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  const again = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    setState({ answer: undefined, problem: '', atMs: 0 });
  }, [key]);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      // What nobody sees need not be asked for; it is as soon as somebody looks.
      if (document.hidden) {
        document.addEventListener('visibilitychange', seen, { once: true });
        return;
      }
      try {
        const answer = await latest.current();
        if (!over) setState({ answer, problem: '', atMs: Date.now() });
      } catch (error) {
        if (!over) setState((before) => ({ ...before, problem: describeAdmin(error) }));
      }
      if (!over && everyMs > 0) timer = setTimeout(() => void look(), everyMs);
    };
    const seen = (): void => void look();
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [key, turn, everyMs]);
  return { ...state, again };
}
