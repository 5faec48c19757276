import { useCallback, useRef, useState } from 'preact/hooks';
import { IconButton } from './button.tsx';
import type { IconName } from './icon.tsx';
import { Menu, type MenuItem } from './menu.tsx';

interface MenuButtonProps {
  icon: IconName;
  label: string;
  items: readonly MenuItem[];
  class?: string;
  tabIndex?: number;
}

export function MenuButton({ icon, label, items, class: more, tabIndex }: MenuButtonProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setOpen(false), []);
  return (
    <>
      <IconButton
        ref={button}
        icon={icon}
        label={label}
        class={more}
        tabIndex={tabIndex}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen((was) => !was)}
      />
      {open && button.current !== null ? (
        <Menu label={label} items={items} anchor={button.current} onClose={close} />
      ) : null}
    </>
  );
}
