import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import './field.css';

interface FieldProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint?: string;
  problem?: string;
  placeholder?: string;
  /** What a password manager or the browser may fill in. */
  autoComplete?: 'off' | 'username';
  /** For names and codes: nothing is corrected or capitalised. */
  verbatim?: boolean;
  maxLength?: number;
}

/** A labelled line of text, the first one of its form, with what is wrong with it underneath. */
export function Field(props: FieldProps) {
  const { label, value, onValue, hint = '', problem = '', autoComplete = 'off', verbatim = false } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const note = problem === '' ? hint : problem;
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <input
        ref={input}
        id={id}
        class="field-input"
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
        placeholder={props.placeholder}
        maxLength={props.maxLength}
        autoComplete={autoComplete}
        autoCapitalize={verbatim ? 'none' : undefined}
        spellcheck={!verbatim}
        data-focus
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
