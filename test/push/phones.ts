import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FcmPush, FcmService } from '../../services/push/testing/fcm-service.ts';

const authority = fileURLToPath(new URL('../../services/grpc/testdata/ca.pem', import.meta.url));

/** Phones, and Google's push service that reaches them. */
export class Phones implements AsyncDisposable {
  readonly google: FcmService;
  readonly directory: string;
  /** What a server is told to push by. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(google: FcmService, directory: string) {
    this.google = google;
    this.directory = directory;
    this.env = {
      PARLEY_PUSH: 'true',
      PARLEY_PUSH_CA: authority,
      PARLEY_PUSH_INTERVAL_MS: '200',
      PARLEY_PUSH_ACK_MS: '1500',
      PARLEY_PUSH_TIMEOUT_MS: '2000',
      PARLEY_PUSH_FIRST_RETRY_MS: '50',
      PARLEY_PUSH_MAX_RETRY_MS: '500',
      PARLEY_FCM_CREDENTIALS: join(directory, 'account.json'),
      PARLEY_FCM_URL: google.origin,
      PARLEY_WEBPUSH_PRIVATE: 'true',
    };
  }

  static async open(): Promise<Phones> {
    const google = await new FcmService().listen();
    const directory = await mkdtemp(join(tmpdir(), 'parley-phones-'));
    const phones = new Phones(google, directory);
    await writeFile(phones.env['PARLEY_FCM_CREDENTIALS'] as string, google.credentials);
    return phones;
  }

  /** The body of a registration, and Google knows the phone. */
  phone(token: string) {
    this.google.devices.add(token);
    return { platform: 'android', name: token, target: { provider: 'fcm', token } };
  }

  /** What phones were pushed, as `token conversation seq`, repeats included, in the order in which it came. */
  get taken(): string[] {
    return this.google.taken.map(({ token, data }) => `${token} ${data['conv_id']} ${data['seq']}`);
  }

  /** What a phone was pushed last of a conversation. */
  last(token: string, convId: string): number {
    const seqs = this.google.taken
      .filter((push) => push.token === token && push.data['conv_id'] === convId)
      .map(({ data }) => Number(data['seq']));
    return Math.max(0, ...seqs);
  }

  pushesTo(token: string): FcmPush[] {
    return this.google.taken.filter((push) => push.token === token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.google[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
