import { z } from 'zod';
import { option, type OptionTable } from './config.ts';

export const telemetryOptions = {
  host: option({
    env: 'PARLEY_METRICS_HOST',
    type: z.string(),
    default: '127.0.0.1',
    doc: 'Address that the metrics port binds to.',
  }),
  port: option({
    env: 'PARLEY_METRICS_PORT',
    type: z.int().min(0).max(65_535),
    default: 9464,
    doc: 'Port of the metrics in Prometheus format, at `/metrics`, and of probes: `/livez` answers while the process does, `/readyz` with 503 before it is ready and while it drains; 0 takes a free one.',
  }),
  tlsCert: option<string | undefined>({
    env: 'PARLEY_METRICS_TLS_CERT',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with the certificate chain (PEM) of the metrics port. With PARLEY_METRICS_TLS_KEY it turns TLS on.',
  }),
  tlsKey: option<string | undefined>({
    env: 'PARLEY_METRICS_TLS_KEY',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with the private key (PEM) of the metrics port.',
  }),
  tlsClientCa: option<string | undefined>({
    env: 'PARLEY_METRICS_TLS_CLIENT_CA',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with certificates (PEM); when set, whoever reads metrics must show a certificate signed by one of them.',
  }),
} satisfies OptionTable;
