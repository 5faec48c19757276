import type { ChatClient } from '../../../sdk/types.ts';
import type { Identity } from './identity.ts';

/** Where clients come from: the server, or a made-up world for tests. */
export interface ClientSource {
  /** A client that is not started yet. `onUnkept`, maybe more than once: what is written may not outlive the page. */
  open(identity: Identity, onUnkept: () => void): Promise<ChatClient>;
  /** Forgets what the browser keeps of somebody who signed out; the client is closed by then. */
  forget(identity: Identity): Promise<void>;
}
