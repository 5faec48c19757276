import type { ComponentChildren } from 'preact';
import { Button } from '../../ui/button.tsx';
import { Empty } from '../../ui/empty.tsx';
import type { Answered } from '../app/use-answer.ts';

interface ShownProps<T> {
  of: Answered<T>;
  children: (answer: T) => ComponentChildren;
}

/** An answer, or why there is none (yet). */
export function Shown<T>({ of, children }: ShownProps<T>) {
  const { answer, problem, again } = of;
  if (answer === undefined)
    return problem === '' ? (
      <p class="admin-note" role="status">
        Asking…
      </p>
    ) : (
      <Empty icon="warning" title="No answer" text={problem}>
        <Button icon="retry" onClick={again}>
          Try again
        </Button>
      </Empty>
    );
  return (
    <>
      {problem === '' ? null : (
        <p class="admin-problem" role="alert">
          {problem}
        </p>
      )}
      {children(answer)}
    </>
  );
}
