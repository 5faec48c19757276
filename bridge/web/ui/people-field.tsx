import { useId, useState } from 'preact/hooks';
import { nameProblem, tidyName } from '../app/name-problem.ts';
import { Icon } from './icon.tsx';
import './people-field.css';

interface PeopleFieldProps {
  label: string;
  hint: string;
  people: readonly string[];
  onChange: (people: readonly string[]) => void;
  /** Whether it is the first field of its dialog. */
  first?: boolean;
}

const most = 1_000;

/** Collects user names: Enter or a comma finishes one, Backspace takes the last one back, a pasted list works, too. */
export function PeopleField({ label, hint, people, onChange, first = false }: PeopleFieldProps) {
  const id = useId();
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState('');
  const take = (text: string): boolean => {
    const names = text
      .split(/[,;\n]/u)
      .map(tidyName)
      .filter((name) => name !== '');
    const wrong = names.map(nameProblem).find((found) => found !== '') ?? '';
    const all = [...new Set([...people, ...names])];
    setProblem(all.length > most ? `At most ${most.toLocaleString()} at a time.` : wrong);
    if (wrong !== '' || all.length > most) return false;
    if (all.length > people.length) onChange(all);
    setTyped('');
    return true;
  };
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <div class="people-box">
        {people.map((name) => (
          <span key={name} class="people-chip">
            <bdi class="ellipsis">{name}</bdi>
            <button
              type="button"
              aria-label={`Remove ${name}`}
              onClick={() => onChange(people.filter((other) => other !== name))}
            >
              <Icon name="close" size={14} />
            </button>
          </span>
        ))}
        <input
          id={id}
          class="people-input"
          data-focus={first || undefined}
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          value={typed}
          aria-invalid={problem !== ''}
          aria-describedby={`${id}-note`}
          onInput={(event) => {
            const { value } = event.currentTarget;
            if (/[,;\n]/u.test(value)) {
              if (!take(value)) setTyped(value);
            } else setTyped(value);
          }}
          onBlur={() => take(typed)}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === 'Enter' && typed.trim() !== '') {
              event.preventDefault();
              take(typed);
            } else if (event.key === 'Backspace' && typed === '') onChange(people.slice(0, -1));
          }}
        />
      </div>
      <p id={`${id}-note`} class={problem === '' ? 'field-note' : 'field-note field-problem'}>
        {problem === '' ? hint : problem}
      </p>
    </div>
  );
}
