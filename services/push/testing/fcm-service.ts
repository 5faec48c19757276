import { generateKeyPairSync } from 'node:crypto';
import { H2Service, type Reply, type ServiceRequest } from './h2-service.ts';
import { takeApart } from './signed.ts';

/** FCM's `message`, as far as anybody looks at it. */
export interface FcmPush {
  readonly token: string;
  readonly data: Readonly<Record<string, string>>;
  readonly notification?: { readonly title?: string; readonly body?: string };
  readonly android: Readonly<Record<string, unknown>>;
  readonly webpush: Readonly<Record<string, unknown>>;
  readonly apns: Readonly<Record<string, unknown>>;
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const jwtGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** One for all services of a process: it takes a while to make. */
const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });

/**
 * What Google's services check, after their documentation: the assertion's signature, issuer, audience, scope and times
 * where tokens come from, and the token, the message and the device where pushes go to.
 */
export class FcmService extends H2Service {
  readonly project = 'example-project';
  readonly email = 'parley@example-project.iam.gserviceaccount.com';
  readonly keyId = 'key-1';
  readonly devices = new Set<string>();
  /** Devices that belong to another project. */
  readonly foreign = new Set<string>();
  readonly taken: FcmPush[] = [];
  /** Access tokens that it has issued; one that is taken out is not valid any more. */
  readonly tokens = new Set<string>();
  /** How long those that it issues are valid. */
  tokenSeconds = 3_600;
  granted = 0;

  /** The content of the service account's file. */
  get credentials(): string {
    return JSON.stringify({
      type: 'service_account',
      project_id: this.project,
      private_key_id: this.keyId,
      private_key: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      client_email: this.email,
      client_id: '1',
      token_uri: `${this.origin}/token`,
    });
  }

  protected override answer(request: ServiceRequest): Reply {
    if (request.path === '/token') return this.#grant(request);
    if (request.path !== `/v1/projects/${this.project}/messages:send`) {
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>404</h1>' };
    }
    const token = request.headers['authorization']?.replace(/^Bearer /, '') ?? '';
    if (!this.tokens.has(token)) return refusal(401, 'UNAUTHENTICATED', 'invalid credentials');
    const { message } = JSON.parse(request.body.toString()) as { readonly message: FcmPush };
    const problem = messageProblem(message);
    if (problem !== undefined) return refusal(400, 'INVALID_ARGUMENT', problem, 'INVALID_ARGUMENT');
    if (message.token === 'malformed') {
      const told = 'The registration token is not a valid FCM registration token';
      return refusal(400, 'INVALID_ARGUMENT', told, 'INVALID_ARGUMENT', 'message.token');
    }
    if (this.foreign.has(message.token)) {
      return refusal(403, 'PERMISSION_DENIED', 'SenderId mismatch', 'SENDER_ID_MISMATCH');
    }
    if (!this.devices.has(message.token)) {
      return refusal(404, 'NOT_FOUND', 'Requested entity was not found.', 'UNREGISTERED');
    }
    this.taken.push(message);
    const name = `projects/${this.project}/messages/${this.taken.length}`;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name }) };
  }

  #grant({ headers, body }: ServiceRequest): Reply {
    const invalid = (why: string): Reply => ({
      status: 400,
      body: JSON.stringify({ error: 'invalid_grant', error_description: why }),
    });
    const form = new URLSearchParams(body.toString());
    if (headers['content-type'] !== 'application/x-www-form-urlencoded') return invalid('content type');
    if (form.get('grant_type') !== jwtGrant) return invalid('grant type');
    const assertion = takeApart(form.get('assertion') ?? '');
    if (assertion?.header['kid'] !== this.keyId || !assertion.signedBy(pair.publicKey)) {
      return invalid('signature');
    }
    const { iss, aud, scope: asked, iat, exp } = assertion.claims;
    if (iss !== this.email || aud !== `${this.origin}/token` || asked !== scope) return invalid('claims');
    const now = this.nowSeconds;
    if (Number(iat) > now + 60 || Number(exp) < now || Number(exp) - Number(iat) > 3_600) {
      return invalid('times');
    }
    this.granted += 1;
    const token = `ya29.${this.granted}`;
    this.tokens.add(token);
    const granted = { access_token: token, expires_in: this.tokenSeconds, token_type: 'Bearer' };
    return { status: 200, body: JSON.stringify(granted) };
  }
}

function messageProblem(message: FcmPush): string | undefined {
  const { token: _, ...payload } = message;
  if (Buffer.byteLength(JSON.stringify(payload)) > 4_096) return 'Android message is too big';
  const reserved = /^(?:from|message_type|collapse_key|gcm.*|google\..*)$/;
  for (const [key, value] of Object.entries(message.data)) {
    if (typeof value !== 'string') return `Invalid value at 'message.data[${key}]' (TYPE_STRING)`;
    if (reserved.test(key)) return `Invalid data payload key: ${key}`;
  }
  if (!/^\d+(?:\.\d+)?s$/.test(String(message.android['ttl']))) return 'Invalid ttl';
  if (!['NORMAL', 'HIGH'].includes(String(message.android['priority']))) return 'Invalid priority';
  return undefined;
}

function refusal(code: number, status: string, message: string, own?: string, field?: string): Reply {
  const details = [
    ...(own ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: own }] : []),
    ...(field
      ? [
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field, description: message }],
          },
        ]
      : []),
  ];
  const headers = { 'content-type': 'application/json; charset=UTF-8' };
  return { status: code, headers, body: JSON.stringify({ error: { code, message, status, details } }) };
}
