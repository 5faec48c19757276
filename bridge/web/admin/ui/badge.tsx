import type { ComponentChildren } from 'preact';

/** A word that says how something is. */
export function Badge({
  kind = 'good',
  children,
}: {
  kind?: 'good' | 'warn' | 'bad';
  children: ComponentChildren;
}) {
  return <span class={kind === 'good' ? 'badge' : `badge badge-${kind}`}>{children}</span>;
}
