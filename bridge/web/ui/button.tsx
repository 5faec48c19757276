import type { ButtonHTMLAttributes, Ref } from 'preact';
import { Icon, type IconName } from './icon.tsx';
import './button.css';

type Native = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'ref'>;

interface ButtonProps extends Native {
  kind?: 'primary' | 'plain' | 'danger';
  icon?: IconName;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = 'plain', icon, children, type = 'button', ...native }: ButtonProps) {
  return (
    <button {...native} type={type} class={`button button-${kind}`}>
      {icon === undefined ? null : <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Native {
  icon: IconName;
  /** What it does; also shown when the pointer rests on it. */
  label: string;
  ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ icon, label, type = 'button', class: more, ...native }: IconButtonProps) {
  return (
    <button {...native} type={type} class={`icon-button ${more ?? ''}`} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}
