import type { IncomingHttpHeaders } from 'node:http';
import type { Mode } from '../services/core/core-options.ts';

export interface GuardConfig {
  readonly mode: Mode;
  readonly allowedOrigins: readonly string[];
}

export interface Refusal {
  readonly reason: 'originForbidden' | 'hostForbidden' | 'forwarded';
  readonly message: string;
}

const forwardingHeaders = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
];

/**
 * Whether a browser may call from where it is, and in development mode whether the request is local in every respect:
 * a proxy on the same machine, or a name that resolves to it, must not open it to the world.
 */
export function guardRequest(headers: IncomingHttpHeaders, config: GuardConfig): Refusal | undefined {
  return config.mode === 'development' ? guardLocal(headers) : guardOrigin(headers, config.allowedOrigins);
}

function guardOrigin(headers: IncomingHttpHeaders, allowed: readonly string[]): Refusal | undefined {
  const { origin } = headers;
  if (origin === undefined || allowed.includes(origin)) return undefined;
  const host = hostOf(headers);
  if (host !== undefined && URL.parse(origin)?.host === host) return undefined;
  return { reason: 'originForbidden', message: `the origin ${shown(origin)} is not allowed` };
}

function guardLocal(headers: IncomingHttpHeaders): Refusal | undefined {
  const forwarded = forwardingHeaders.find((name) => headers[name] !== undefined);
  if (forwarded !== undefined)
    return {
      reason: 'forwarded',
      message: `development mode takes no requests through proxies (there is a header ${forwarded})`,
    };
  const host = hostOf(headers);
  if (host === undefined || !isLoopback(`http://${host}`))
    return {
      reason: 'hostForbidden',
      message: `development mode answers to loopback names only, not ${shown(host)}`,
    };
  const { origin } = headers;
  if (origin === undefined || origin === 'null' || isLoopback(origin)) return undefined;
  return {
    reason: 'originForbidden',
    message: `development mode takes loopback origins only, not ${shown(origin)}`,
  };
}

function hostOf(headers: IncomingHttpHeaders): string | undefined {
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : headers.host;
}

function isLoopback(url: string): boolean {
  const name = URL.parse(url)?.hostname ?? '';
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d+){3}$/.test(name)
  );
}

function shown(value: string | undefined): string {
  return (value ?? 'none').slice(0, 100);
}
