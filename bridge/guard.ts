import type { IncomingHttpHeaders } from 'node:http';

export interface GuardConfig {
  readonly development: boolean;
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
  const origin = headers.origin;
  const host = hostOf(headers);
  if (!config.development) {
    if (origin === undefined || config.allowedOrigins.includes(origin)) return undefined;
    if (host !== undefined && authorityOf(origin) === host) return undefined;
    return { reason: 'originForbidden', message: `origin ${origin} is not allowed` };
  }
  const forwarded = forwardingHeaders.find((name) => headers[name] !== undefined);
  if (forwarded !== undefined)
    return {
      reason: 'forwarded',
      message: `development mode takes no requests from proxies (header ${forwarded})`,
    };
  if (host !== undefined && !isLoopback(hostnameOf(`http://${host}`)))
    return {
      reason: 'hostForbidden',
      message: `development mode answers to loopback names only, not ${host}`,
    };
  if (origin === undefined || origin === 'null' || isLoopback(hostnameOf(origin))) return undefined;
  return {
    reason: 'originForbidden',
    message: `development mode takes loopback origins only, not ${origin}`,
  };
}

function hostOf(headers: IncomingHttpHeaders): string | undefined {
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : headers.host;
}

function hostnameOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}

function authorityOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  );
}
