import type { Fault } from '../core/fault.ts';
import type { Logger } from '../core/log.ts';
import { traceNowMs } from '../core/trace-clock.ts';
import { sampledParent, type TraceContext } from '../core/trace-context.ts';
import type { TracedClients } from '../core/trace-options.ts';
import type { Span, SpanAttributes } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import type { Caller } from './auth.ts';

export interface CommandTracesInit {
  readonly tracer: Tracer;
  readonly clients: TracedClients;
  readonly slowMs: number;
  readonly log: Logger;
}

/** Where a command comes from: the frame's span, and what its client says. */
export interface Origin {
  readonly frame: TraceContext | undefined;
  readonly client: TraceContext | undefined;
}

/** Spans of commands and calls: begun for those that are sampled, whether by their door or by a client that is trusted so far. */
export class CommandTraces {
  readonly #init: CommandTracesInit;

  constructor(init: CommandTracesInit) {
    this.#init = init;
  }

  /** What a session's hello or command says of its trace, where clients are believed. */
  saidBySession(traceparent: string | undefined): TraceContext | undefined {
    return this.#init.clients === 'all' ? sampledParent(traceparent) : undefined;
  }

  /** A command of a session, that is sampled. */
  command(name: string, { frame, client }: Origin): CommandTrace {
    const { tracer } = this.#init;
    // It belongs to its client's trace; the frame that brought it may be in another one.
    const parent = client ?? frame;
    const links = client !== undefined && frame !== undefined ? [frame] : undefined;
    const attributes = { 'parley.command': name };
    return this.#trace(name, tracer.start(`command ${name}`, { parent, links, attributes }));
  }

  /** A unary call: sampled by its caller, or drawn here; undefined for most. */
  call(
    rpc: string,
    caller: Caller,
    traceparent: string | undefined,
    startedAtMs: number,
  ): CommandTrace | undefined {
    const { tracer, clients } = this.#init;
    const isTrusted = clients === 'all' || (clients === 'services' && caller.kind !== 'user');
    const parent = isTrusted ? sampledParent(traceparent) : undefined;
    if (parent === undefined && !tracer.sample()) return undefined;
    const attributes = {
      'rpc.system': 'connect_rpc',
      'rpc.service': serviceOf(rpc),
      'rpc.method': methodOf(rpc),
    };
    return this.#trace(rpc, tracer.start(rpc, { kind: 'server', parent, attributes, startedAtMs }));
  }

  /** What came of an entry on this edge. */
  delivery(trace: TraceContext, attributes: SpanAttributes): Span {
    return this.#init.tracer.start('entry deliver', { kind: 'consumer', parent: trace, attributes });
  }

  #trace(name: string, span: Span): CommandTrace {
    const { slowMs, log } = this.#init;
    return new CommandTrace({ name, span, slowMs, log });
  }
}

/** The span of a command on this node, until it is answered. What is refused or takes long is logged with its trace's id. */
export class CommandTrace {
  readonly #name: string;
  readonly #span: Span;
  readonly #slowMs: number;
  readonly #log: Logger;

  constructor(parts: {
    readonly name: string;
    readonly span: Span;
    readonly slowMs: number;
    readonly log: Logger;
  }) {
    this.#name = parts.name;
    this.#span = parts.span;
    this.#slowMs = parts.slowMs;
    this.#log = parts.log;
  }

  get context(): TraceContext {
    return this.#span.context;
  }

  set(attributes: SpanAttributes): void {
    this.#span.set(attributes);
  }

  done(): void {
    const tookMs = this.#end();
    if (tookMs < this.#slowMs) return;
    this.#log.warn('a command took long', {
      ...this.#fields(tookMs, 'success'),
      'event.action': 'command-slow',
    });
  }

  refused({ reason }: Fault): void {
    this.#span.fail(reason);
    const tookMs = this.#end();
    this.#log.info('a command was refused', {
      ...this.#fields(tookMs, 'failure'),
      'event.action': 'command-refused',
      'parley.reason': reason,
    });
  }

  #end(): number {
    const endedAtMs = traceNowMs();
    this.#span.end(endedAtMs);
    return endedAtMs - this.#span.startedAtMs;
  }

  #fields(tookMs: number, outcome: 'success' | 'failure') {
    const { traceId, spanId } = this.#span.context;
    return {
      'event.outcome': outcome,
      'event.duration': Math.round(tookMs * 1e6),
      'trace.id': traceId,
      'span.id': spanId,
      'parley.command': this.#name,
    } as const;
  }
}

function serviceOf(rpc: string): string {
  return rpc.slice(0, rpc.indexOf('/'));
}

function methodOf(rpc: string): string {
  return rpc.slice(rpc.indexOf('/') + 1);
}
