import { z } from 'zod';
import { type ConfigOf, option, type OptionTable } from '../../core/config.ts';

/** An https origin: these services have their paths given. */
const origin = z
  .string()
  .regex(/^https:\/\/[^/?#@\s]+\/?$/)
  .describe('an https URL without a path');

export const pushProviderOptions = {
  timeoutMs: option({
    env: 'PARLEY_PUSH_TIMEOUT_MS',
    type: z.int().min(100).max(120_000),
    default: 10_000,
    doc: 'How long a push service may take to answer, in milliseconds. FCM and APNs: a push that has waited for its turn as long is not sent, and tried again later.',
  }),
  inFlight: option({
    env: 'PARLEY_PUSH_IN_FLIGHT',
    type: z.int().min(1).max(1_000),
    default: 64,
    doc: 'Pushes under way at once at each push service, at most.',
  }),
  ca: option({
    env: 'PARLEY_PUSH_CA',
    type: z.string(),
    default: '',
    doc: 'PEM file with the authorities that push services are trusted by, instead of the usual ones.',
  }),
  hiddenText: option({
    env: 'PARLEY_PUSH_HIDDEN_TEXT',
    type: z.string().min(1).max(200),
    default: 'New message',
    doc: 'What iPhones show of a push whose content is hidden; elsewhere the app has words of its own.',
  }),
  vapidKeys: option({
    env: 'PARLEY_VAPID_KEYS',
    type: z.string(),
    default: '',
    doc: 'JSON file with the keys of Web Push, as `parley vapid-keys FILE` makes it. Empty in development: `vapid.json` in the data directory, made on first start.',
  }),
  vapidPublicKey: option({
    env: 'PARLEY_VAPID_PUBLIC_KEY',
    type: z.string(),
    default: '',
    doc: 'The public key of Web Push, where it is not in a file. A process that only tells it to browsers needs no private one.',
  }),
  vapidPrivateKey: option({
    env: 'PARLEY_VAPID_PRIVATE_KEY',
    type: z.string(),
    default: '',
    doc: 'The private key of Web Push, where it is not in a file.',
    secret: true,
  }),
  vapidSubject: option({
    env: 'PARLEY_VAPID_SUBJECT',
    type: z
      .string()
      .regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/[^\s/]+.*)?$/)
      .describe('a mailto: or https: URL'),
    default: '',
    doc: 'Whom push services of browsers turn to when something is wrong with the pushes: a mailto: or https: URL. Needed with the keys, except in development.',
  }),
  webPushHosts: option<readonly string[]>({
    env: 'PARLEY_WEBPUSH_HOSTS',
    type: z.array(
      z
        .string()
        .regex(/^\.?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/)
        .describe('a host, or all below one with a dot in front'),
    ),
    default: [],
    doc: 'The only hosts that Web Push goes to, such as `fcm.googleapis.com,.push.apple.com,.push.services.mozilla.com,.notify.windows.com`. Empty: any that is public.',
  }),
  webPushPrivate: option({
    env: 'PARLEY_WEBPUSH_PRIVATE',
    type: z.boolean(),
    default: false,
    doc: 'Lets Web Push go to private addresses and this machine. For tests; in production it stops the start.',
  }),
  fcmCredentials: option({
    env: 'PARLEY_FCM_CREDENTIALS',
    type: z.string(),
    default: '',
    doc: 'JSON file with the key of the service account that sends by FCM. Empty: no FCM.',
  }),
  fcmUrl: option({
    env: 'PARLEY_FCM_URL',
    type: origin,
    default: 'https://fcm.googleapis.com',
    doc: 'Where FCM is.',
  }),
  apnsKey: option({
    env: 'PARLEY_APNS_KEY',
    type: z.string(),
    default: '',
    doc: 'File (`.p8`) with the key that signs for APNs. Empty: no APNs.',
  }),
  apnsKeyId: option({
    env: 'PARLEY_APNS_KEY_ID',
    type: z
      .string()
      .regex(/^(?:[A-Z0-9]{10})?$/)
      .describe('10 capital letters and digits'),
    default: '',
    doc: 'The id of that key.',
  }),
  apnsTeamId: option({
    env: 'PARLEY_APNS_TEAM_ID',
    type: z
      .string()
      .regex(/^(?:[A-Z0-9]{10})?$/)
      .describe('10 capital letters and digits'),
    default: '',
    doc: 'The id of the team that the key belongs to.',
  }),
  apnsTopic: option({
    env: 'PARLEY_APNS_TOPIC',
    type: z
      .string()
      .regex(/^[A-Za-z0-9.-]{0,255}$/)
      .describe('1 to 255 letters, digits, dots and dashes'),
    default: '',
    doc: 'The bundle id of the app, for devices that name no other.',
  }),
  apnsUrl: option({
    env: 'PARLEY_APNS_URL',
    type: origin,
    default: 'https://api.push.apple.com',
    doc: 'Where APNs is.',
  }),
  apnsSandboxUrl: option({
    env: 'PARLEY_APNS_SANDBOX_URL',
    type: origin,
    default: 'https://api.sandbox.push.apple.com',
    doc: 'Where APNs is for apps that are being developed.',
  }),
} satisfies OptionTable;

export type PushProviderConfig = ConfigOf<{ providers: typeof pushProviderOptions }>['providers'];
