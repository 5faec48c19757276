import type { Histogram } from './histogram.ts';
import type { Schedule } from './schedule.ts';

const tickMs = 1;
const maxSendsPerTurn = 200;

/** Calls `send` for each number of the schedule when it is due, however slow the answers are; notes how late it was. */
export function openLoop(schedule: Schedule, lag: Histogram, send: (k: number) => void): Promise<void> {
  let next = schedule.firstK;
  return new Promise((resolve) => {
    const turn = () => {
      const now = performance.now();
      const due = schedule.dueBy(now);
      const stop = Math.min(due, next + maxSendsPerTurn);
      while (next < stop) {
        lag.record(now - schedule.dueAt(next));
        send(next++);
      }
      if (next >= schedule.endK) resolve();
      else if (stop < due) setImmediate(turn);
      else setTimeout(turn, tickMs);
    };
    turn();
  });
}

/** Waits until something holds, or a time has passed. */
export async function settled(holds: () => boolean, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!holds() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  // What comes once too often comes late: give it a moment.
  await new Promise((resolve) => setTimeout(resolve, 50));
}
