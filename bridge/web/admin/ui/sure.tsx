import type { ComponentProps } from 'preact';
import { Confirm } from '../../ui/confirm.tsx';
import { describeAdmin } from '../app/describe-admin.ts';

/** Asks before an act; stays open and says why when it is refused. */
export function Sure(props: Omit<ComponentProps<typeof Confirm>, 'describe'>) {
  return <Confirm {...props} describe={describeAdmin} />;
}
