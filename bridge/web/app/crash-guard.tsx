import type { ComponentChildren } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';

/** Stands in for the page when drawing it fails. What was sent is in the client's store, and survives a reload. */
export function CrashGuard({ children }: { children: ComponentChildren }) {
  const [error] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return (
    <main class="session-ended">
      <Empty icon="warning" title="Something went wrong" text="The page stumbled. Your messages are safe.">
        <Button kind="primary" onClick={() => location.reload()}>
          Reload
        </Button>
      </Empty>
    </main>
  );
}
