/** Commands from which on a batch is a large one. */
const largeBatch = 32;
const leastMs = 5;
/** From here on each further sixteen commands make the interval a millisecond longer. */
const growsFrom = 64;
const commandsPerMs = 16;

/**
 * The least time from the closing of a batch of so many commands to that of the next, in milliseconds, 0 to
 * `atMostMs`. None behind a small one. Behind a large one a commit costs more than the wait (PostgreSQL's commit_delay
 * and commit_siblings); the more commands come, the longer, since those of one user are then answered and delivered in
 * one write to his socket. A longer interval makes a larger batch and so a longer interval, up to the limit: a busy node
 * settles at one of the ends.
 */
export function gatherIntervalMs(commands: number, atMostMs: number): number {
  if (commands < largeBatch) return 0;
  return Math.min(atMostMs, leastMs + Math.max(0, commands - growsFrom) / commandsPerMs);
}
