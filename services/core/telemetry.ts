import { type ContextManager, type HrTime, ROOT_CONTEXT, ValueType } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
  type MetricProducer,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsSource } from './certificates.ts';
import { hrTimeOf } from './hr-time.ts';
import type { Logger } from './log.ts';
import type { Meters, Reading } from './meters.ts';
import { addProcessMeters } from './process-meters.ts';
import type { Readiness } from './readiness.ts';
import type { Service } from './service.ts';
import { SpanExport, type SpanExportConfig, spanCounts } from './span-export.ts';
import { Tracer } from './tracer.ts';

interface TelemetryConfig {
  readonly host: string;
  readonly port: number;
}

interface TraceConfig extends SpanExportConfig {
  readonly ratio: number;
}

export interface TelemetryParts {
  readonly config: TelemetryConfig;
  readonly traces: TraceConfig;
  /** How this process is named in traces: its node, and what it does. */
  readonly node: { readonly id: string; readonly roles: readonly string[] };
  readonly meters: Meters;
  readonly readiness: Readiness;
  /** Undefined: without TLS. With authorities among it, whoever reads metrics must show a certificate. */
  readonly tls?: TlsSource | undefined;
  /** A TLS handshake that takes longer is cut off. */
  readonly handshakeMs?: number;
  readonly log: Logger;
}

/** Spans that a stop has not sent after this time are given up. */
const farewellMs = 2_000;

/** Contexts are handed on by hand: what follows each command by itself would cost each of them. */
const noContext: ContextManager = {
  active: () => ROOT_CONTEXT,
  with: (_context, call, self, ...args) => call.call(self as ThisParameterType<typeof call>, ...args),
  bind: (_context, target) => target,
  enable: () => noContext,
  disable: () => noContext,
};

/** Serves the meters and exports the spans, through the OpenTelemetry SDK, and says whether this process is well. */
export class Telemetry implements Service {
  readonly name = 'telemetry';
  readonly tracer: Tracer;
  /** Undefined where spans are sent nowhere. */
  readonly #spans: SpanExport | undefined;
  readonly #config: TelemetryConfig;
  readonly #meters: Meters;
  readonly #log: Logger;
  readonly #sdk: NodeSDK;
  readonly #server: Server;
  /** All connections, those in the middle of a TLS handshake as well: of these the server keeps no list. */
  readonly #sockets = new Set<Socket>();
  #process: Disposable | undefined;

  /** Throws a ConfigError where spans are to be sent to what is no address. */
  constructor(parts: TelemetryParts) {
    this.#config = parts.config;
    this.#meters = parts.meters;
    this.#log = parts.log;
    const exporter = new PrometheusExporter({
      // The exporter's own server takes port 0 for "the default" and knows no limits.
      preventServerStart: true,
      metricProducers: [producerOf(parts.meters)],
      withoutScopeInfo: true,
      withoutTargetInfo: true,
    });
    this.#sdk = new NodeSDK({
      serviceName: 'parley',
      autoDetectResources: false,
      contextManager: noContext,
      textMapPropagator: null,
      metricReaders: [exporter],
      // Nothing is sent anywhere unless it was asked for here: the SDK's own default is a collector on this machine.
      spanProcessors: [],
      logRecordProcessors: [],
    });
    this.#spans = spanExport(parts);
    const { ratio } = parts.traces;
    const resource = resourceOf(parts.node);
    this.tracer = new Tracer({ sink: this.#spans?.take, resource, ratio, random: Math.random });
    this.#server = server(parts, (request, response) => {
      const path = request.method === 'GET' ? request.url?.split('?')[0] : undefined;
      const probed = parts.readiness.probe(path ?? '');
      if (path === '/metrics') exporter.getMetricsRequestHandler(request, response);
      else if (probed !== undefined) answer(response, probed.status, probed.text);
      else response.writeHead(404).end();
    });
    this.#server.maxConnections = 64;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // A connection that can't be accepted must not bring the process down; a failed start rejects all the same.
    this.#server.on('error', (error) => this.#log.warn('metrics port failed', {}, error));
  }

  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  async start(): Promise<void> {
    this.#sdk.start();
    this.#server.listen(this.#config.port, this.#config.host);
    await once(this.#server, 'listening');
    this.#process = addProcessMeters(this.#meters);
    const { address, port } = this.address;
    this.#log.info('metrics are served', { 'server.address': address, 'server.port': port });
  }

  async stop(): Promise<void> {
    this.#process?.[Symbol.dispose]();
    this.#process = undefined;
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, farewellMs);
    });
    // A collector that is not there must not keep us up.
    await Promise.race([this.#spans?.shutdown().catch(() => {}), late]);
    clearTimeout(timer);
    await this.#sdk.shutdown();
  }
}

function spanExport({ traces, meters, log }: TelemetryParts): SpanExport | undefined {
  const counts = spanCounts();
  meters.total(
    'chat_trace_spans_total',
    'Spans of traced commands that were to be exported.',
    () => [
      [{ result: 'exported' }, counts.exported],
      [{ result: 'failed' }, counts.failed],
      [{ result: 'dropped' }, counts.dropped],
    ],
    'result',
  );
  meters.gauge('chat_trace_spans_waiting', 'Spans that wait to be exported.', () => counts.waiting);
  return traces.endpoint === '' ? undefined : new SpanExport(traces, counts, log);
}

function resourceOf({ id, roles }: TelemetryParts['node']): Resource {
  return resourceFromAttributes({
    'service.name': 'parley',
    'service.instance.id': id,
    'parley.roles': roles.join(','),
  });
}

function answer(response: ServerResponse, status: number, text: string): void {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(`${text}\n`);
}

function server(
  { tls, handshakeMs = 5_000 }: Pick<TelemetryParts, 'tls' | 'handshakeMs'>,
  listener: RequestListener,
): Server {
  const limits = { requestTimeout: 10_000, headersTimeout: 5_000 };
  if (tls === undefined) return createServer(limits, listener);
  const requestCert = tls.current.ca !== undefined;
  const secured = createTlsServer(
    { ...limits, ...tls.current, requestCert, handshakeTimeout: handshakeMs },
    listener,
  );
  tls.onChange(() => secured.setSecureContext(tls.current));
  return secured;
}

/**
 * Our meters as the SDK collects them. By a producer of our own, and not by instruments, because the SDK has no
 * observable histogram: recording into one of its histograms costs far more than what it measures.
 */
export function producerOf(meters: Meters): MetricProducer {
  const startedAtMs = Date.now();
  return {
    async collect(): Promise<CollectionResult> {
      const times = { startTime: hrTimeOf(startedAtMs), endTime: hrTimeOf(Date.now()) };
      const errors: unknown[] = [];
      const metrics = meters.read((error) => errors.push(error)).map((reading) => metricOf(reading, times));
      // The reader takes the resource from the SDK, not from here.
      const resource = {} as ResourceMetrics['resource'];
      return {
        resourceMetrics: { resource, scopeMetrics: [{ scope: { name: 'parley' }, metrics }] },
        errors,
      };
    },
  };
}

function metricOf(reading: Reading, times: { startTime: HrTime; endTime: HrTime }): MetricData {
  const base = {
    descriptor: { name: reading.name, description: reading.doc, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (reading.t === 'histogram') {
    const { counts, sum, count } = reading.histogram.read();
    const value = { buckets: { boundaries: [...reading.histogram.bounds], counts }, sum, count };
    const dataPoints = [{ ...times, attributes: {}, value }];
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = reading.values.map(([attributes, value]) => ({ ...times, attributes, value }));
  return reading.t === 'counter'
    ? { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
}
