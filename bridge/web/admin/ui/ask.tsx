import { useId, useState } from 'preact/hooks';
import { Button } from '../../ui/button.tsx';
import '../../ui/field.css';

interface AskProps {
  label: string;
  placeholder?: string;
  action: string;
  initial?: string;
  onAsk: (value: string) => void;
}

/** One line that asks for somebody or something by its id. */
export function Ask({ label, placeholder, action, initial = '', onAsk }: AskProps) {
  const [typed, setTyped] = useState(initial);
  const id = useId();
  return (
    <form
      class="admin-search"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== '') onAsk(typed.trim());
      }}
    >
      <div class="field">
        <label class="field-label" for={id}>
          {label}
        </label>
        <input
          id={id}
          class="field-input"
          value={typed}
          placeholder={placeholder}
          maxLength={64}
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
      <Button type="submit" icon="search">
        {action}
      </Button>
    </form>
  );
}
