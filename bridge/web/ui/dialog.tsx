import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { IconButton } from './button.tsx';
import './dialog.css';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** Draws no title: for dialogs whose first field says what they are. The title still names them. */
  bare?: boolean;
}

/** A modal dialog of the browser's own: it keeps the focus inside, and Escape or a click beside it closes it. */
export function Dialog({ title, onClose, children, bare = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-focus]')?.focus();
    // Closing gives the focus back to where it was; a dialog that is merely removed would not.
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${bare ? 'dialog-bare' : ''}`}
      aria-labelledby={bare ? undefined : titleId}
      aria-label={bare ? title : undefined}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div class="dialog-content">
        {bare ? null : (
          <header class="dialog-header">
            <h2 id={titleId} class="dialog-title">
              {title}
            </h2>
            <IconButton icon="close" label="Close" onClick={onClose} />
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}
