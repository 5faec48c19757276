/** What a bridge is told. `bridgeDefaults` names every default. */
export interface BridgeConfig {
  /** Development mode: loopback only, no token needed, no forwarding headers. */
  readonly development: boolean;
  /** Addresses to listen on; those after the first are left out where the machine has none such. */
  readonly hosts: readonly string[];
  /** Page, REST, Connect and WebSocket on `/ws`; 0 draws a free port. */
  readonly httpPort: number;
  /** WebSocket alone, on any path; 0 draws a free port. */
  readonly wsPort: number;
  /** Outside development: origins (`https://chat.example.org`) that browsers may call from besides the page's own. */
  readonly allowedOrigins: readonly string[];
  /** How many proxies in front are trusted to have written the last entries of `x-forwarded-for`. */
  readonly trustedProxies: number;
  /** The built page. */
  readonly webDir: string;
  /** Largest WebSocket frame from a client. */
  readonly maxFrameBytes: number;
  /** Largest body of a REST request. */
  readonly maxBodyBytes: number;
  /** Largest message of a unary call. */
  readonly maxCallBytes: number;
  /** Most bytes of a request's headers. */
  readonly maxHeaderBytes: number;
  /** Time from a connection's start to its first complete request. */
  readonly handshakeTimeoutMs: number;
  /** Time for a whole request with its body. */
  readonly requestTimeoutMs: number;
  /** Connections that have not made a request yet. */
  readonly maxHalfOpen: number;
  /** WebSockets in all. */
  readonly maxSockets: number;
  /** WebSockets of one address. */
  readonly maxSocketsPerAddress: number;
  /** A socket with more unsent bytes than this is paused … */
  readonly highWaterBytes: number;
  /** … and with more than this closed as a slow consumer. */
  readonly maxUnsentBytes: number;
}

export const bridgeDefaults: BridgeConfig = {
  development: false,
  hosts: ['127.0.0.1', '::1'],
  httpPort: 9501,
  wsPort: 9502,
  allowedOrigins: [],
  trustedProxies: 0,
  webDir: 'dist/web',
  maxFrameBytes: 256 * 1024,
  maxBodyBytes: 256 * 1024,
  maxCallBytes: 4 * 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  handshakeTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxHalfOpen: 1_000,
  maxSockets: 100_000,
  maxSocketsPerAddress: 20_000,
  highWaterBytes: 1024 * 1024,
  maxUnsentBytes: 16 * 1024 * 1024,
};
