const edge = 8;

/** Puts something of the top layer under its anchor, right edges aligned, or where the window has room for it. */
export function placeBeside(element: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const below = at.bottom + 4;
  const top = below + height + edge <= innerHeight ? below : at.top - height - 4;
  const left = at.right - width >= edge ? at.right - width : at.left;
  element.style.top = `${Math.max(edge, Math.min(top, innerHeight - height - edge))}px`;
  element.style.left = `${Math.max(edge, Math.min(left, innerWidth - width - edge))}px`;
}
