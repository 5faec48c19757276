import type {
  CallContext,
  DoorInlet,
  DoorOutlet,
  SessionHost,
  SessionInfo,
  UnaryHost,
} from '../../services/core/door.ts';

export type InletCall =
  | { readonly t: 'open'; readonly session: number; readonly info: SessionInfo }
  | { readonly t: 'data'; readonly session: number; readonly frame: Uint8Array }
  | { readonly t: 'closed' | 'paused' | 'resumed'; readonly session: number }
  | { readonly t: 'detach' };

/** Stands in for the connection node: records what a door tells it, and lets a test tell the door something. */
export class FakeHost implements SessionHost, UnaryHost {
  readonly calls: InletCall[] = [];
  outlet!: DoorOutlet;
  /** How unary calls are answered. */
  answer: (rpc: string, request: unknown, context: CallContext) => unknown = () => ({});
  /** Called with every frame besides being recorded. */
  onData: (session: number, frame: Uint8Array) => void = () => {};
  #wake: (() => void)[] = [];

  attach(outlet: DoorOutlet): DoorInlet {
    this.outlet = outlet;
    return {
      open: (session, info) => this.#record({ t: 'open', session, info }),
      data: (session, frame) => {
        this.#record({ t: 'data', session, frame });
        this.onData(session, frame);
      },
      closed: (session) => this.#record({ t: 'closed', session }),
      paused: (session) => this.#record({ t: 'paused', session }),
      resumed: (session) => this.#record({ t: 'resumed', session }),
      detach: () => this.#record({ t: 'detach' }),
    };
  }

  async call(rpc: string, request: unknown, context: CallContext): Promise<unknown> {
    return this.answer(rpc, request, context);
  }

  /** The next call that fits and was not returned before; waits for it. */
  async next<T extends InletCall['t']>(t: T, session?: number): Promise<Extract<InletCall, { t: T }>> {
    for (;;) {
      const index = this.calls.findIndex(
        (call) => call.t === t && (session === undefined || ('session' in call && call.session === session)),
      );
      if (index !== -1) return this.calls.splice(index, 1)[0] as Extract<InletCall, { t: T }>;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #record(call: InletCall): void {
    this.calls.push(call);
    for (const wake of this.#wake.splice(0)) wake();
  }
}
