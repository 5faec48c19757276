import { userInfo } from 'node:os';

/** Whoever sits at the terminal, for the audit log: `cli:` and the user's name, or the number where it has none. */
export function terminalName(read: () => { readonly username: string } = userInfo): string {
  try {
    return `cli:${read().username}`;
  } catch {
    // A container may run as any number, whether its passwd knows it or not.
    return `cli:uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
