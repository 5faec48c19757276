import type { InputHTMLAttributes, Ref } from 'preact';
import { useId } from 'preact/hooks';
import './field.css';

interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'ref' | 'label'> {
  label: string;
  hint?: string;
  problem?: string;
  ref?: Ref<HTMLInputElement>;
}

/** A labelled line of text, with what is wrong with it underneath. */
export function Field({ label, hint = '', problem = '', ...native }: FieldProps) {
  const id = useId();
  const note = problem === '' ? hint : problem;
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <input
        {...native}
        id={id}
        class="field-input"
        aria-invalid={problem !== ''}
        aria-describedby={note === '' ? undefined : `${id}-note`}
      />
      {note === '' ? null : (
        <p id={`${id}-note`} class={problem === '' ? 'field-note' : 'field-note field-problem'}>
          {note}
        </p>
      )}
    </div>
  );
}
