import { isatty } from 'node:tty';
import { type DestinationStream, pino } from 'pino';
import { z } from 'zod';
import { option, type OptionTable } from './config.ts';
import type { LogFields } from './log-fields.ts';
import { prettyLines } from './log-pretty.ts';

/**
 * Logs: one JSON object a line with the fields of log-fields.ts, named as ECS has them. Ids only, never what people write, never tokens: a message's text
 * has no field to stand in.
 */

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof levels)[number];

export const logOptions = {
  level: option<LogLevel>({
    env: 'PARLEY_LOG_LEVEL',
    type: z.enum(levels),
    default: 'info',
    doc: 'Least severe level that is written.',
  }),
  format: option<'auto' | 'json' | 'pretty'>({
    env: 'PARLEY_LOG_FORMAT',
    type: z.enum(['auto', 'json', 'pretty']),
    default: 'auto',
    doc: 'JSON lines with ECS field names, or short lines for people; auto is pretty on a terminal.',
  }),
} satisfies OptionTable;

export type { LogFields } from './log-fields.ts';

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  /** `error` is whatever was thrown; its type, message, stack and causes go to error.*. */
  warn(message: string, fields?: LogFields, error?: unknown): void;
  error(message: string, fields?: LogFields, error?: unknown): void;
  /** The same log with fields on each of its lines. */
  child(fields: LogFields): Logger;
}

export interface LogConfig {
  readonly level: LogLevel;
  readonly format: 'auto' | 'json' | 'pretty';
}

/** The process's log, to stdout or to `destination`. Lines are written at once: a crash loses none. */
export function createLogger(config: LogConfig, destination?: DestinationStream): Logger {
  const pretty = config.format === 'pretty' || (config.format === 'auto' && !destination && isatty(1));
  const target = destination ?? pino.destination({ fd: 1, sync: true });
  const root = pino(
    {
      level: config.level,
      messageKey: 'message',
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ 'log.level': label }) },
      base: { 'service.name': 'parley', 'process.pid': process.pid, 'ecs.version': '8.11.0' },
    },
    pretty ? prettyLines(target) : target,
  );
  return wrap(root);
}

/** A log that writes nothing, for tests. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

function wrap(inner: pino.Logger): Logger {
  return {
    debug: (message, fields) => inner.debug(plain(fields), message),
    info: (message, fields) => inner.info(plain(fields), message),
    warn: (message, fields, error) => inner.warn(plain(fields, error), message),
    error: (message, fields, error) => inner.error(plain(fields, error), message),
    child: (fields) => wrap(inner.child(plain(fields))),
  };
}

function plain(fields: LogFields | undefined, error?: unknown): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  // JSON has no bigint, and message ids are past what its numbers hold.
  for (const [name, value] of Object.entries(fields ?? {})) {
    line[name] = typeof value === 'bigint' ? value.toString() : value;
  }
  return error === undefined ? line : Object.assign(line, errorFields(error));
}

function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { 'error.message': String(error) };
  const causes: string[] = [];
  // Bounded: a cause may name itself.
  for (let cause = error.cause; cause !== undefined && causes.length < 5; ) {
    causes.push(String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  const message = [error.message, ...causes].join(' ← ');
  const code = 'code' in error && typeof error.code === 'string' ? { 'error.code': error.code } : {};
  return { 'error.type': error.name, 'error.message': message, ...code, 'error.stack_trace': error.stack };
}
