import { z } from 'zod';
import { type ConfigOf, option, type OptionTable } from '../services/core/config.ts';

const port = z.int().min(0).max(65_535);
const bytes = z.int().min(1024);

export const bridgeOptions = {
  httpPort: option({
    env: 'PARLEY_HTTP_PORT',
    type: port,
    default: 9501,
    doc: 'Port of the page, REST, Connect, gRPC-Web and WebSocket on `/ws`; 0 draws a free one.',
  }),
  wsPort: option({
    env: 'PARLEY_WS_PORT',
    type: port,
    default: 9502,
    doc: 'Port of WebSocket alone, on any path; 0 draws a free one.',
  }),
  tlsCert: option<string | undefined>({
    env: 'PARLEY_HTTP_TLS_CERT',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with the certificate chain (PEM) of the HTTP and the WebSocket port. With PARLEY_HTTP_TLS_KEY it turns TLS on.',
  }),
  tlsKey: option<string | undefined>({
    env: 'PARLEY_HTTP_TLS_KEY',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with the private key (PEM) of the HTTP and the WebSocket port.',
  }),
  webDir: option({
    env: 'PARLEY_WEB_DIR',
    type: z.string(),
    default: 'dist/web',
    doc: 'Directory of the built page.',
  }),
  adminPage: option({
    env: 'PARLEY_ADMIN_PAGE',
    type: z.boolean(),
    default: true,
    doc: 'Whether the page of the administration is served, on `/admin`. It shows nothing without a service token of the scope `admin`; the calls behind it are there either way.',
  }),
  allowedOrigins: option<readonly string[]>({
    env: 'PARLEY_ALLOWED_ORIGINS',
    type: z.array(z.string()),
    default: [],
    doc: 'Comma-separated origins (`https://chat.example.org`) whose pages may call, besides the page that the bridge serves itself; `null` for pages without one. Development mode takes loopback origins instead.',
  }),
  trustedProxies: option({
    env: 'PARLEY_TRUSTED_PROXIES',
    type: z.int().min(0).max(8),
    default: 0,
    doc: 'How many proxies in front of the bridge write `x-forwarded-for`; 0 ignores that header.',
  }),
  maxFrameBytes: option({
    env: 'PARLEY_WS_MAX_FRAME_BYTES',
    type: bytes,
    default: 256 * 1024,
    doc: 'Largest WebSocket message from a client, in bytes.',
  }),
  maxBodyBytes: option({
    env: 'PARLEY_HTTP_MAX_BODY_BYTES',
    type: bytes,
    default: 1024 * 1024,
    doc: 'Largest body of a REST request, in bytes.',
  }),
  maxCallBytes: option({
    env: 'PARLEY_HTTP_MAX_CALL_BYTES',
    type: bytes,
    default: 4 * 1024 * 1024,
    doc: 'Largest message of a Connect, gRPC-Web or gRPC call at the bridge, in bytes.',
  }),
  maxHeaderBytes: option({
    env: 'PARLEY_HTTP_MAX_HEADER_BYTES',
    type: bytes,
    default: 16 * 1024,
    doc: 'Most bytes of the headers of a request.',
  }),
  handshakeTimeoutMs: option({
    env: 'PARLEY_HTTP_HANDSHAKE_TIMEOUT_MS',
    type: z.int().min(10),
    default: 10_000,
    doc: 'Time from the start of a connection to its first complete request head, in milliseconds.',
  }),
  requestTimeoutMs: option({
    env: 'PARLEY_HTTP_REQUEST_TIMEOUT_MS',
    type: z.int().min(10),
    default: 30_000,
    doc: 'Time for a whole request with its body, in milliseconds.',
  }),
  maxHalfOpen: option({
    env: 'PARLEY_HTTP_MAX_HALF_OPEN',
    type: z.int().min(1),
    default: 10_000,
    doc: 'Most connections that have not made a request yet.',
  }),
  maxSockets: option({
    env: 'PARLEY_WS_MAX_SOCKETS',
    type: z.int().min(1),
    default: 100_000,
    doc: 'Most WebSockets in all.',
  }),
  maxSocketsPerAddress: option({
    env: 'PARLEY_WS_MAX_SOCKETS_PER_ADDRESS',
    type: z.int().min(1),
    default: 20_000,
    doc: 'Most WebSockets of one address; an IPv6 address counts with its network of 64 bits. Many users may share one behind a translating router.',
  }),
  inboundBytes: option({
    env: 'PARLEY_WS_INBOUND_BYTES',
    type: bytes,
    default: 1024 * 1024,
    doc: 'Bytes a second that one WebSocket may send, in the long run, and four times as many at once; beyond it is read more slowly.',
  }),
  highWaterBytes: option({
    env: 'PARLEY_WS_HIGH_WATER_BYTES',
    type: bytes,
    default: 1024 * 1024,
    doc: 'A WebSocket with more unsent bytes than this gets nothing pushed until it has drained.',
  }),
  maxUnsentBytes: option({
    env: 'PARLEY_WS_MAX_UNSENT_BYTES',
    type: bytes,
    default: 16 * 1024 * 1024,
    doc: 'A WebSocket with more unsent bytes than this, answers included, is closed as a slow consumer.',
  }),
} satisfies OptionTable;

export type BridgeConfig = ConfigOf<{ readonly bridge: typeof bridgeOptions }>['bridge'];
