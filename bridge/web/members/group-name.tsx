import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useClient } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';

interface GroupNameProps {
  groupId: string;
  name: string;
  mayRename: boolean;
}

/** A group's face and name, which its owner and admins can change. */
export function GroupName({ groupId, name, mayRename }: GroupNameProps) {
  const client = useClient();
  const [typed, setTyped] = useState<string>();
  const [problem, setProblem] = useState('');
  const button = useRef<HTMLButtonElement>(null);
  const edited = useRef(false);
  useLayoutEffect(() => {
    if (edited.current && typed === undefined) button.current?.focus();
    edited.current = typed !== undefined;
  }, [typed]);
  const save = async () => {
    const next = typed?.trim() ?? '';
    if (next === '') {
      setProblem('Give the group a name.');
      return;
    }
    try {
      if (next !== name) await client.groups.rename(groupId, next);
      setTyped(undefined);
    } catch (thrown) {
      setProblem(describeProblem(thrown));
    }
  };
  if (typed === undefined)
    return (
      <div class="group-name">
        <Avatar id={groupId} name={name} group size="large" />
        <span class="group-title">
          <b dir="auto">{name}</b>
          {mayRename ? (
            <IconButton
              ref={button}
              icon="edit"
              label="Rename group"
              onClick={() => {
                setProblem('');
                setTyped(name);
              }}
            />
          ) : null}
        </span>
      </div>
    );
  return (
    <form
      class="group-rename"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        setTyped(undefined);
      }}
    >
      <Field label="Name of the group" maxLength={100} value={typed} problem={problem} onValue={setTyped} />
      <div class="dialog-actions">
        <Button onClick={() => setTyped(undefined)}>Cancel</Button>
        <Button kind="primary" type="submit">
          Rename
        </Button>
      </div>
    </form>
  );
}
