import { useEffect, useState } from 'preact/hooks';

/** What the address names behind its view, like `ann` in `#/users/ann`; empty for nothing. */
export function useNamed(): string {
  const [named, setNamed] = useState(namedBy(location.hash));
  useEffect(() => {
    const moved = (): void => setNamed(namedBy(location.hash));
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return named;
}

function namedBy(hash: string): string {
  const [, , name = ''] = hash.split('/');
  try {
    return decodeURIComponent(name);
  } catch {
    return '';
  }
}
