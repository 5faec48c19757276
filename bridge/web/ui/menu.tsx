import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icon.tsx';
import { placeBeside } from './place-beside.ts';
import './menu.css';

export interface MenuItem {
  readonly label: string;
  readonly icon: IconName;
  readonly danger?: boolean;
  /** For a choice: whether it is the one of several, or on where it is a switch. */
  readonly checked?: boolean;
  /** A choice by itself, rather than one of several. */
  readonly isSwitch?: boolean;
  readonly onSelect: () => void;
}

interface MenuProps {
  label: string;
  items: readonly MenuItem[];
  /** What it opens beside; gets the focus back. */
  anchor: HTMLElement;
  onClose: () => void;
}

/** A menu in the browser's top layer: arrows move, Escape and a click elsewhere close. Mounted means open. */
export function Menu({ label, items, anchor, onClose }: MenuProps) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = element.current;
    if (menu === null) return;
    menu.showPopover();
    placeBeside(menu, anchor);
    menu.querySelector('button')?.focus();
  }, [anchor]);
  useEffect(() => {
    const closeOnScroll = (event: Event) => {
      if (event.target instanceof Node && event.target.contains(anchor)) onClose();
    };
    document.addEventListener('scroll', closeOnScroll, true);
    return () => document.removeEventListener('scroll', closeOnScroll, true);
  }, [anchor, onClose]);
  const close = () => {
    if (element.current?.contains(document.activeElement)) anchor.focus();
    onClose();
  };
  return (
    <div
      ref={element}
      popover="auto"
      role="menu"
      aria-label={label}
      class="menu"
      onToggle={(event) => {
        if (event.newState === 'closed') close();
      }}
      onKeyDown={(event) => onMenuKey(event, element.current, close)}
    >
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role={roleOf(item)}
          aria-checked={item.checked}
          tabIndex={-1}
          class={`menu-item ${item.danger ? 'menu-item-danger' : ''}`}
          onClick={() => {
            close();
            item.onSelect();
          }}
        >
          <Icon name={item.icon} size={18} />
          <span class="menu-item-label">{item.label}</span>
          {item.checked ? <Icon name="check" size={16} /> : null}
        </button>
      ))}
    </div>
  );
}

function roleOf({ checked, isSwitch = false }: MenuItem): 'menuitem' | 'menuitemcheckbox' | 'menuitemradio' {
  if (checked === undefined) return 'menuitem';
  return isSwitch ? 'menuitemcheckbox' : 'menuitemradio';
}

function onMenuKey(event: KeyboardEvent, menu: HTMLElement | null, close: () => void): void {
  const buttons = [...(menu?.querySelectorAll('button') ?? [])];
  const at = buttons.findIndex((button) => button === document.activeElement);
  const target = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: buttons.length - 1,
  }[event.key];
  if (target !== undefined) {
    event.preventDefault();
    buttons.at(target % buttons.length)?.focus();
  } else if (event.key === 'Tab' || event.key === 'Escape') {
    event.preventDefault();
    close();
  }
  event.stopPropagation();
}
