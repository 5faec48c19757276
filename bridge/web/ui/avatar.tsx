import { initialsOf, hueOf } from './avatar-look.ts';
import './avatar.css';

interface AvatarProps {
  /** The user's or the group's id: chooses the colour. */
  id: string;
  name: string;
  group?: boolean;
  size?: 'small' | 'medium' | 'large';
  /** Draws a dot when true. */
  online?: boolean;
}

/** A round face for a user, a rounded square for a group. Says nothing to screen readers: the name stands beside it. */
export function Avatar({ id, name, group = false, size = 'medium', online = false }: AvatarProps) {
  return (
    <span class={`avatar avatar-${size} hue-${hueOf(id)} ${group ? 'avatar-group' : ''}`} aria-hidden="true">
      {initialsOf(name)}
      {online ? <span class="avatar-online" /> : null}
    </span>
  );
}
