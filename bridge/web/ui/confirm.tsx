import { useState } from 'preact/hooks';
import { describeProblem } from '../app/problem.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

interface ConfirmProps {
  title: string;
  text: string;
  /** What happens, as a verb. */
  action: string;
  onConfirm: () => Promise<void> | void;
  onClose: () => void;
  /** Says in words why it failed. */
  describe?: (thrown: unknown) => string;
}

/** Asks before something that can't be undone; stays open and says why when it fails. */
export function Confirm({
  title,
  text,
  action,
  onConfirm,
  onClose,
  describe = describeProblem,
}: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const confirm = async () => {
    setBusy(true);
    setProblem('');
    try {
      await onConfirm();
      onClose();
    } catch (thrown) {
      setProblem(describe(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-body">
        <p>{text}</p>
        {problem === '' ? null : (
          <p class="dialog-problem" role="alert">
            {problem}
          </p>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" disabled={busy} onClick={() => void confirm()}>
            {action}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
