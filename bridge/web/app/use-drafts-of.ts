import { useEffect, useMemo } from 'preact/hooks';
import { Drafts } from '../chat/drafts.ts';
import { storageOrMemory } from './storage.ts';

/** The drafts of a user, as all tabs of this browser have them. */
export function useDraftsOf(userId: string): Drafts {
  const drafts = useMemo(
    () =>
      new Drafts(
        storageOrMemory(() => localStorage),
        userId,
      ),
    [userId],
  );
  useEffect(() => {
    const hear = ({ key }: StorageEvent) => drafts.writtenElsewhere(key);
    addEventListener('storage', hear);
    return () => removeEventListener('storage', hear);
  }, [drafts]);
  return drafts;
}
