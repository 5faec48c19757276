import { useState } from 'preact/hooks';
import { useClient } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';
import { goTo } from '../app/use-route.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { PeopleField } from '../ui/people-field.tsx';

/** The longest name of a group, in characters. */
const longestName = 100;

export function NewGroup({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const [name, setName] = useState('');
  const [people, setPeople] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const create = async () => {
    if (name.trim() === '') {
      setProblem('Give the group a name.');
      return;
    }
    setBusy(true);
    setProblem('');
    try {
      const others = people.filter((person) => person !== client.userId);
      const group = await client.groups.create(name.trim(), others);
      onClose();
      goTo({ t: 'conversation', convId: group.groupId });
    } catch (thrown) {
      setProblem(describeProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title="New group" onClose={onClose}>
      <form
        class="dialog-body"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <Field label="Name" maxLength={longestName} value={name} onValue={setName} />
        <PeopleField
          label="People"
          hint="User names, with Enter or a comma after each. You can add more later."
          people={people}
          onChange={setPeople}
        />
        {problem === '' ? null : (
          <p class="dialog-problem" role="alert">
            {problem}
          </p>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={busy}>
            Create group
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
