import type { LogItem } from '../../../sdk/types.ts';
import { MenuButton } from '../ui/menu-button.tsx';
import type { MenuItem } from '../ui/menu.tsx';
import { toast } from '../ui/toasts.tsx';

interface MessageMenuProps {
  item: LogItem;
  /** Undefined when the user may not recall it. */
  onRecall: (() => void) | undefined;
}

/** What can be done with a message. */
export function MessageMenu({ item, onRecall }: MessageMenuProps) {
  if (item.content.t !== 'message') return null;
  const inner = item.content.body.content;
  const items: MenuItem[] = [];
  if (inner.case === 'text')
    items.push({ label: 'Copy text', icon: 'copy', onSelect: () => void copy(inner.value) });
  if (onRecall !== undefined)
    items.push({ label: 'Recall message', icon: 'recall', danger: true, onSelect: onRecall });
  if (items.length === 0) return null;
  return <MenuButton class="message-menu" icon="more" label="Message actions" items={items} tabIndex={-1} />;
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied');
  } catch {
    toast('The browser doesn’t allow copying.');
  }
}
