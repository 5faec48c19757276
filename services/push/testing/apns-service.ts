import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { H2Service, type Reply, type ServiceRequest } from './h2-service.ts';
import { takeApart } from './signed.ts';

/** A push that the service has taken. */
export interface ApnsPush {
  readonly token: string;
  readonly headers: ServiceRequest['headers'];
  readonly payload: Readonly<Record<string, unknown>>;
}

const hourSeconds = 3_600;

/**
 * What Apple's service checks of a push, after its documentation: the provider token's signature, key, team and age, the
 * headers, the size, the device.
 */
export class ApnsService extends H2Service {
  readonly keyId = 'ABC123DEFG';
  readonly teamId = 'TEAM123456';
  /** PEM of the key that its customers sign with, as in a .p8 file. */
  readonly key: string;
  readonly topics = new Set(['com.example.app']);
  readonly devices = new Set<string>();
  /** Devices that were there once, and when (milliseconds) it was found that they are not any more. */
  readonly unregistered = new Map<string, number>();
  readonly taken: ApnsPush[] = [];
  readonly #publicKey: KeyObject;

  constructor() {
    super();
    const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.#publicKey = pair.publicKey;
    this.key = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  }

  protected override answer({ path, headers, body }: ServiceRequest): Reply {
    const device = /^\/3\/device\/([0-9a-f]+)$/.exec(path)?.[1];
    if (device === undefined) return refusal(404, 'BadPath');
    if (headers[':method'] !== 'POST') return refusal(405, 'MethodNotAllowed');
    const reason = this.#tokenProblem(headers['authorization']) ?? this.#headerProblem(headers);
    if (reason !== undefined) return refusal(reason.endsWith('ProviderToken') ? 403 : 400, reason);
    if (body.byteLength > 4_096) return refusal(413, 'PayloadTooLarge');
    const since = this.unregistered.get(device);
    if (since !== undefined) return refusal(410, 'Unregistered', since);
    if (!this.devices.has(device)) return refusal(400, 'BadDeviceToken');
    const payload = JSON.parse(body.toString()) as ApnsPush['payload'];
    const aps = payload['aps'] as Record<string, unknown> | undefined;
    if (aps?.['alert'] === undefined) return refusal(400, 'PayloadEmpty');
    this.taken.push({ token: device, headers, payload });
    return { status: 200, headers: { 'apns-id': headers['apns-id'] ?? '' } };
  }

  #tokenProblem(authorization: string | undefined): string | undefined {
    if (authorization === undefined) return 'MissingProviderToken';
    const token = takeApart(authorization.replace(/^bearer /, ''));
    if (token === undefined || !authorization.startsWith('bearer ')) return 'InvalidProviderToken';
    const { header, claims } = token;
    const known = header['alg'] === 'ES256' && header['kid'] === this.keyId && claims['iss'] === this.teamId;
    if (!known || !token.signedBy(this.#publicKey)) return 'InvalidProviderToken';
    const age = this.nowSeconds - Number(claims['iat']);
    // Not in the future either, but for clocks that differ a little.
    return age >= -60 && age < hourSeconds ? undefined : 'ExpiredProviderToken';
  }

  #headerProblem(headers: ServiceRequest['headers']): string | undefined {
    const topic = headers['apns-topic'];
    if (topic === undefined) return 'MissingTopic';
    if (!this.topics.has(topic)) return 'TopicDisallowed';
    if (headers['apns-push-type'] !== 'alert') return 'InvalidPushType';
    const id = headers['apns-id'] ?? '';
    if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id)) return 'BadMessageId';
    if (!/^(?:1|5|10)$/.test(headers['apns-priority'] ?? '10')) return 'BadPriority';
    const expiration = headers['apns-expiration'] ?? '0';
    if (!/^\d{1,10}$/.test(expiration)) return 'BadExpirationDate';
    return Buffer.byteLength(headers['apns-collapse-id'] ?? '') > 64 ? 'BadCollapseId' : undefined;
  }
}

function refusal(status: number, reason: string, timestamp?: number): Reply {
  return { status, body: JSON.stringify({ reason, timestamp }) };
}
