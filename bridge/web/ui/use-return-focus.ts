import { useLayoutEffect } from 'preact/hooks';

/** While mounted, something else has the focus; afterwards it goes back to where it was. */
export function useReturnFocus(): void {
  useLayoutEffect(() => {
    const before = document.activeElement;
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
}
