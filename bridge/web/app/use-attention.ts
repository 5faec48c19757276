import { useEffect, useState } from 'preact/hooks';

/** Whether somebody looks at this page: it is in front and has the keyboard. */
export function useAttention(): boolean {
  const [attention, setAttention] = useState(hasAttention);
  useEffect(() => {
    const look = () => setAttention(hasAttention());
    // A blurred window is noticed at once; document.hasFocus changes a moment later.
    const blur = () => setAttention(false);
    addEventListener('focus', look);
    addEventListener('blur', blur);
    document.addEventListener('visibilitychange', look);
    return () => {
      removeEventListener('focus', look);
      removeEventListener('blur', blur);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return attention;
}

function hasAttention(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}
