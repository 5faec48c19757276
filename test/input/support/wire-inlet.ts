import type { DoorInlet } from '../../../services/core/door.ts';
import { TestSession } from '../../helpers/test-session.ts';

/** What carries a session's frames, as its client has it. */
export interface Wire {
  send(frame: Uint8Array): void;
  hangUp(): void;
}

/** A test's session whose other end is not a node in this process but a server behind a wire. */
export function sessionOn(wire: Wire): TestSession {
  const inlet: DoorInlet = {
    open: nothing,
    data: (_session, frame) => wire.send(frame),
    closed: () => wire.hangUp(),
    paused: nothing,
    resumed: nothing,
    detach: nothing,
  };
  return new TestSession(1, inlet);
}

function nothing(): void {}
