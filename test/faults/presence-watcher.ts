import type { ParleyPorts } from '../../bench/targets/parley.ts';
import { CrashSession } from '../crash/crash-session.ts';

const reconnectAfterMs = 30;

/** A client that watches the presence of users, over any number of connections, and sends nothing. */
export class PresenceWatcher {
  readonly #user: string;
  readonly #watched: readonly string[];
  readonly #ports: () => ParleyPorts;
  /** What it was told last, on the connection that it has. */
  readonly #online = new Map<string, boolean>();
  #session: CrashSession | undefined;
  #stopped = false;

  constructor(o: { user: string; watched: readonly string[]; ports: () => ParleyPorts }) {
    this.#user = o.user;
    this.#watched = o.watched;
    this.#ports = o.ports;
    this.#connect();
  }

  /** Those who are online as it was told; undefined as long as it was not told of everybody. */
  get online(): readonly string[] | undefined {
    if (this.#online.size < this.#watched.length) return undefined;
    return this.#watched.filter((user) => this.#online.get(user) === true);
  }

  stop(): void {
    this.#stopped = true;
    this.#session?.close();
  }

  #connect(): void {
    if (this.#stopped) return;
    this.#online.clear();
    const session = new CrashSession({
      kind: 'ws-proto',
      ports: this.#ports(),
      pushed: (event) => {
        if (event.case === 'presence') this.#online.set(event.value.userId, event.value.online);
      },
      closed: () => void setTimeout(() => this.#connect(), reconnectAfterMs),
      failed: (error) => {
        throw error;
      },
    });
    this.#session = session;
    const hello = { userId: this.#user, deviceId: 'watcher', protocolVersion: 1 };
    session.ask({ case: 'hello', value: hello }, (event) => {
      if (event.case !== 'welcome') return session.close();
      session.ask({ case: 'watch', value: { userIds: [...this.#watched] } }, (answer) => {
        if (answer.case === 'error') session.close();
      });
    });
  }
}
