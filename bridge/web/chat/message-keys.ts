const message = '[data-message]';

/** Arrow keys go from message to message; Enter opens what can be done with one; Escape goes back to writing. */
export function moveAmongMessages(event: KeyboardEvent): void {
  const list = event.currentTarget as HTMLElement;
  const target = event.target as HTMLElement;
  const at = target.closest<HTMLElement>(message);
  if (target !== list && target !== at) return;
  if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
    event.preventDefault();
    const next = neighbour(list, at, event.key === 'ArrowUp' ? -1 : 1);
    next?.focus();
  } else if (at !== null && (event.key === 'Enter' || event.key === ' ')) {
    event.preventDefault();
    at.querySelector<HTMLElement>('[aria-haspopup]')?.click();
  } else if (event.key === 'Escape') {
    document.querySelector<HTMLElement>('[data-composer]')?.focus();
  }
}

/** The message before or behind one; without one, the last that is wholly in view. */
function neighbour(list: HTMLElement, from: HTMLElement | null, step: number): HTMLElement | undefined {
  const all = [...list.querySelectorAll<HTMLElement>(message)];
  if (from !== null) return all[all.indexOf(from) + step];
  const bottom = list.getBoundingClientRect().bottom;
  return all.findLast((element) => element.getBoundingClientRect().bottom <= bottom + 1);
}
