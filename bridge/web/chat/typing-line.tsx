import { typingText } from './wording.ts';
import './typing-line.css';

/** Keeps its room while nobody types, so that nothing jumps when somebody does. */
export function TypingLine({ users, direct }: { users: readonly string[]; direct: boolean }) {
  const text = typingText(users, direct);
  return (
    <div class="typing-line" aria-live="off">
      {text === '' ? null : (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span class="ellipsis">{text}</span>
        </>
      )}
    </div>
  );
}
