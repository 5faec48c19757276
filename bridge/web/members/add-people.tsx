import { useState } from 'preact/hooks';
import { useClient } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { PeopleField } from '../ui/people-field.tsx';

export function AddPeople({ groupId, onClose }: { groupId: string; onClose: () => void }) {
  const client = useClient();
  const [people, setPeople] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const add = async () => {
    if (people.length === 0) {
      setProblem('Enter at least one name.');
      return;
    }
    setBusy(true);
    setProblem('');
    try {
      await client.groups.add(groupId, people);
      onClose();
    } catch (thrown) {
      setProblem(describeProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add people" onClose={onClose}>
      <form
        class="dialog-body"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <PeopleField
          label="People"
          hint="User names, with Enter or a comma after each."
          people={people}
          onChange={setPeople}
          first
        />
        {problem === '' ? null : (
          <p class="dialog-problem" role="alert">
            {problem}
          </p>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={busy}>
            Add
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
