/** Signals that end a process unless somebody listens. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const works: (() => void)[] = [];

/**
 * Does something when this process ends: by itself, or by a signal that nobody else listens to. Earlier works are done
 * first. SIGKILL leaves no time for any.
 */
export function atEnd(work: () => void): void {
  if (works.push(work) > 1) return;
  process.on('exit', workOff);
  for (const signal of signals) process.on(signal, end);
}

function workOff(): void {
  for (const work of works.splice(0)) work();
}

function end(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  workOff();
  // As it would have ended without us.
  process.removeListener(signal, end);
  process.kill(process.pid, signal);
}
