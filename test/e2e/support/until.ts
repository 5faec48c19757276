import { setTimeout as pause } from 'node:timers/promises';

const patienceMs = 30_000;
const lookEveryMs = 20;

/**
 * Waits until something holds, and says what held instead when it never did. For what has no event to wait for; it is
 * patient, since the machine may be busy with other tests.
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  otherwise: () => string,
  withinMs = patienceMs,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`it did not happen: ${otherwise()}`);
    await pause(lookEveryMs);
  }
}
