import { z } from 'zod';
import { option, type OptionTable } from '../core/config.ts';

export const grpcOptions = {
  port: option({
    env: 'PARLEY_GRPC_PORT',
    type: z.int().min(0).max(65_535),
    default: 9503,
    doc: 'Port of gRPC for clients and services; 0 takes a free one.',
  }),
  tlsCert: option<string | undefined>({
    env: 'PARLEY_GRPC_TLS_CERT',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with the certificate chain (PEM) of the gRPC port. With PARLEY_GRPC_TLS_KEY it turns TLS on.',
  }),
  tlsKey: option<string | undefined>({
    env: 'PARLEY_GRPC_TLS_KEY',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with the private key (PEM) of the gRPC port.',
  }),
  tlsClientCa: option<string | undefined>({
    env: 'PARLEY_GRPC_TLS_CLIENT_CA',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with certificates (PEM); when set, gRPC clients must show a certificate signed by one of them.',
  }),
  trustedProxies: option({
    env: 'PARLEY_GRPC_TRUSTED_PROXIES',
    type: z.int().min(0).max(8),
    default: 0,
    doc: 'How many proxies in front of the gRPC port write `x-forwarded-for`; 0 ignores that header. Nobody else may reach the port then.',
  }),
  maxConnections: option({
    env: 'PARLEY_GRPC_MAX_CONNECTIONS',
    type: z.int().min(1),
    default: 100_000,
    doc: 'Most gRPC connections at a time; more are refused. Behind nginx each session has one of its own.',
  }),
  maxStreams: option({
    env: 'PARLEY_GRPC_MAX_STREAMS',
    type: z.int().min(1).max(100_000),
    default: 1_000,
    doc: 'Most calls and session streams at a time on one gRPC connection; a client waits with more.',
  }),
  handshakeMs: option({
    env: 'PARLEY_GRPC_HANDSHAKE_MS',
    type: z.int().min(100),
    default: 10_000,
    doc: 'A gRPC connection that has begun no call after this time, in milliseconds, is closed.',
  }),
} satisfies OptionTable;

/** Largest message that a client may send, in bytes. */
export const maxFrameBytes = 262_144;
