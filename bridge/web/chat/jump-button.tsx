import { Icon } from '../ui/icon.tsx';
import './jump-button.css';

interface JumpButtonProps {
  to: 'end' | 'unread';
  count: number;
  onJump: () => void;
}

/** Down to the newest message, or up to the first that is new. */
export function JumpButton({ to, count, onJump }: JumpButtonProps) {
  const messages = count === 1 ? '1 new message' : `${count} new messages`;
  if (to === 'unread')
    return (
      <button type="button" class="jump jump-unread" onClick={onJump}>
        <Icon name="chevronUp" size={16} />
        {count > 0 ? messages : 'First new message'}
      </button>
    );
  return (
    <button
      type="button"
      class="jump jump-end"
      onClick={onJump}
      aria-label={count > 0 ? `Go to the newest message, ${messages}` : 'Go to the newest message'}
    >
      {count > 0 ? <span class="jump-count">{count > 999 ? '999+' : count}</span> : null}
      <Icon name="chevronDown" size={20} />
    </button>
  );
}
