import { useEffect, useRef, useState } from 'preact/hooks';
import { useClient } from '../app/client.ts';
import { goTo } from '../app/use-route.ts';
import { useAttention } from '../app/use-attention.ts';
import { describeProblem } from '../app/problem.ts';
import { toast } from '../ui/toasts.tsx';
import { type NotificationState, notificationState, renew, turnOff, turnOn } from './notifications.ts';

export interface Notifications {
  readonly state: NotificationState;
  /** On where they were off, and the other way round; says so where that fails. */
  toggle(): void;
}

/** A page may stay open for weeks; the server keeps the devices that were seen last. */
const renewEveryMs = 3_600_000;

/** The switch for notifications, as it stands, and the device kept registered while it is on. */
export function useNotifications(): Notifications {
  const { devices } = useClient();
  const [state, setState] = useState<NotificationState>('unavailable');
  const attention = useAttention();
  const renewAtMs = useRef(0);
  useEffect(() => {
    renewAtMs.current = 0;
  }, [devices]);
  // Also when somebody looks again: permissions are changed in the browser's settings, subscriptions end.
  useEffect(() => {
    let wanted = true;
    const look = () =>
      notificationState(devices).then(
        (found) => wanted && setState(found),
        () => undefined,
      );
    void look();
    if (Date.now() >= renewAtMs.current) {
      renewAtMs.current = Date.now() + renewEveryMs;
      // What fails now is tried again at the next look.
      void renew(devices).then(look, () => {
        renewAtMs.current = 0;
      });
    }
    return () => {
      wanted = false;
    };
  }, [devices, attention]);
  useOpened();
  return {
    state,
    toggle: () => {
      void (state === 'on' ? turnOff(devices) : turnOn(devices)).then(setState, (error: unknown) =>
        toast(`Notifications: ${describeProblem(error)}`),
      );
    },
  };
}

/** A notification was clicked: the service worker says of which conversation. */
function useOpened(): void {
  useEffect(() => {
    if (!('serviceWorker' in navigator)) return undefined;
    const follow = ({ data }: MessageEvent) => {
      const { t, convId } = Object(data) as { t?: unknown; convId?: unknown };
      if (t === 'open' && typeof convId === 'string')
        goTo(convId === '' ? { t: 'list' } : { t: 'conversation', convId });
    };
    navigator.serviceWorker.addEventListener('message', follow);
    return () => navigator.serviceWorker.removeEventListener('message', follow);
  }, []);
}
