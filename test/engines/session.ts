import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ends what is left of a session whose leader has ended: helpers that a server moved to process groups of their own.
 * Sessions are looked up where Linux lists them; elsewhere nothing happens.
 */
export function endSession(leader: number): void {
  for (const pid of processes()) {
    if (sessionOf(pid) !== leader) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function processes(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** Undefined where the process has gone meanwhile. */
function sessionOf(pid: number): number | undefined {
  try {
    // pid (name) state parent group session …, where the name may have anything in it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
  } catch {
    return undefined;
  }
}
