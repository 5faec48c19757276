import type { MessageStatus } from '../../../sdk/types.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

const looks: Record<MessageStatus, { icon: IconName; label: string }> = {
  pending: { icon: 'clock', label: 'Sending' },
  failed: { icon: 'warning', label: 'Not sent' },
  sent: { icon: 'check', label: 'Sent' },
  delivered: { icon: 'checks', label: 'Delivered' },
  read: { icon: 'checks', label: 'Read' },
};

/** How far an own message has come. */
export function Ticks({ status }: { status: MessageStatus }) {
  const { icon, label } = looks[status];
  return (
    <span class={`ticks ticks-${status}`} role="img" aria-label={label} title={label}>
      <Icon name={icon} size={status === 'pending' ? 13 : 16} />
    </span>
  );
}
