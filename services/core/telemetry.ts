import { ValueType } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
  type MetricProducer,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { option, type OptionTable } from './config.ts';
import type { Logger } from './log.ts';
import type { Meters, Reading } from './meters.ts';
import { addProcessMeters } from './process-meters.ts';
import type { Service } from './service.ts';

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
    doc: 'Port of the metrics in Prometheus format, at `/metrics`; 0 takes a free one.',
  }),
} satisfies OptionTable;

interface TelemetryConfig {
  readonly host: string;
  readonly port: number;
}

/** Serves the meters through the OpenTelemetry SDK. */
export class Telemetry implements Service {
  readonly name = 'telemetry';
  readonly #config: TelemetryConfig;
  readonly #meters: Meters;
  readonly #log: Logger;
  readonly #sdk: NodeSDK;
  readonly #server: Server;
  #process: Disposable | undefined;

  constructor(parts: { readonly config: TelemetryConfig; readonly meters: Meters; readonly log: Logger }) {
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
      metricReaders: [exporter],
      // Nothing is sent anywhere unless it was asked for here: the SDK's own default is a collector on this machine.
      spanProcessors: [],
      logRecordProcessors: [],
    });
    this.#server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
      if (request.method === 'GET' && request.url?.split('?')[0] === '/metrics') {
        exporter.getMetricsRequestHandler(request, response);
      } else {
        response.writeHead(404).end();
      }
    });
    this.#server.maxConnections = 64;
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
    this.#server.closeAllConnections();
    await closed;
    await this.#sdk.shutdown();
  }
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

type HrTime = [seconds: number, nanoseconds: number];

function hrTimeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6];
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
