import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';
import './empty.css';

interface EmptyProps {
  icon: IconName;
  title: string;
  text?: string;
  children?: ComponentChildren;
}

/** What stands where there is nothing to show: what it is, why, and what to do. */
export function Empty({ icon, title, text, children }: EmptyProps) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <h2 class="empty-title">{title}</h2>
      {text === undefined ? null : <p class="empty-text">{text}</p>}
      {children === undefined ? null : <div class="empty-actions">{children}</div>}
    </div>
  );
}
