import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ends what is left of a session whose leader has ended: helpers that a server moved to process groups of their own.
 * Sessions are looked up where Linux lists them; elsewhere nothing happens.
 */
export function endSession(leader: number): void {
  for (const pid of processes()) {
    if (statOf(pid)?.[field.session] !== `${leader}`) continue;
    signal(pid, 'SIGKILL');
  }
}

/** Sends a signal to a process, or to a group if it is negative. Nothing where it has ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * When a process was started, as the system puts it: two processes of the same id differ in it. Undefined where it has
 * ended, whether or not its parent has asked how.
 */
export function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = statOf(pid);
    return stat?.[field.state] === 'Z' ? undefined : stat?.[field.start];
  }
  try {
    const start = execFileSync('ps', ['-o', 'lstart=', '-p', `${pid}`], {
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    });
    return start.toString().trim();
  } catch {
    return undefined;
  }
}

function processes(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** Behind pid and name, from 0. */
const field = { state: 0, session: 3, start: 19 } as const;

/** Undefined where the process has gone. */
function statOf(pid: number): string[] | undefined {
  try {
    // pid (name) state parent …, where the name may have anything in it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
