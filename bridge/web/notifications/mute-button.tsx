import { useEffect, useState } from 'preact/hooks';
import { useClient } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';
import { IconButton } from '../ui/button.tsx';
import { toast } from '../ui/toasts.tsx';
import { isSilenced, loadSilences, setSilence } from './silences.ts';

/** Silences the conversation for good, or ends that; not there before it is known what stands. */
export function MuteButton({ convId }: { convId: string }) {
  const { devices } = useClient();
  const [muted, setMuted] = useState<boolean>();
  useEffect(() => {
    let wanted = true;
    setMuted(undefined);
    void loadSilences(devices).then(
      (silences) => wanted && setMuted(isSilenced(silences, convId, Date.now())),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [devices, convId]);
  if (muted === undefined) return null;
  return (
    <IconButton
      icon={muted ? 'bellOff' : 'bell'}
      label="Mute notifications"
      aria-pressed={muted}
      onClick={() => {
        setMuted(!muted);
        void setSilence(devices, convId, !muted).catch((error: unknown) => {
          setMuted(muted);
          toast(`This could not be changed: ${describeProblem(error)}`);
        });
      }}
    />
  );
}
