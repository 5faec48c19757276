import { z } from 'zod';
import { option, type OptionTable } from './config.ts';

/** Whose word counts that a command is to be traced. */
export type TracedClients = 'none' | 'services' | 'all';

export const traceOptions = {
  ratio: option({
    env: 'PARLEY_TRACE_RATIO',
    type: z.number().min(0).max(1),
    default: 0.001,
    doc: 'Which part of all commands is traced: 0 none, 1 all.',
  }),
  clients: option<TracedClients>({
    env: 'PARLEY_TRACE_CLIENTS',
    type: z.enum(['none', 'services', 'all']),
    default: 'services',
    doc: 'Whose `traceparent` is followed where it says sampled: nobody’s, that of calls with a service’s token, or everybody’s.',
  }),
  endpoint: option({
    env: 'PARLEY_TRACE_ENDPOINT',
    type: z.string(),
    default: '',
    doc: 'Where spans are sent by OTLP: `http://collector:4318`, or `http://collector:4317` by gRPC. Empty: nowhere; logs and webhooks have their trace ids all the same.',
  }),
  protocol: option<'http' | 'grpc'>({
    env: 'PARLEY_TRACE_PROTOCOL',
    type: z.enum(['http', 'grpc']),
    default: 'http',
    doc: 'How spans are sent: protobuf over HTTP (to `/v1/traces` where the endpoint has no path), or gRPC.',
  }),
  slowMs: option({
    env: 'PARLEY_TRACE_SLOW_MS',
    type: z.int().min(1),
    default: 1_000,
    doc: 'A traced command that takes longer is logged, in milliseconds.',
  }),
} satisfies OptionTable;
