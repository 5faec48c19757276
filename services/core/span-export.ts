import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { ConfigError } from './config.ts';
import type { Logger } from './log.ts';

export interface SpanExportConfig {
  readonly endpoint: string;
  readonly protocol: 'http' | 'grpc';
}

/** What became of spans. */
export interface SpanCounts {
  exported: number;
  /** Their collector did not take them: they are gone. */
  failed: number;
  /** Too many waited. */
  dropped: number;
  /** Of those to be exported: so many wait, or are on their way. */
  waiting: number;
}

export function spanCounts(): SpanCounts {
  return { exported: 0, failed: 0, dropped: 0, waiting: 0 };
}

/** Spans that wait for the collector, at most. */
const mostWaiting = 8_192;
const batchSpans = 512;
const everyMs = 5_000;
const timeoutMs = 5_000;

/** Sends spans to a collector in batches; those for which there is no room are dropped, and counted. */
export class SpanExport {
  readonly #counts: SpanCounts;
  readonly #batches: BatchSpanProcessor;

  /** Throws a ConfigError where spans are to be sent to what is no address. */
  constructor(config: SpanExportConfig, counts: SpanCounts, log: Logger) {
    this.#counts = counts;
    this.#batches = new BatchSpanProcessor({
      exporter: new CountedExporter(otlpExporter(config), counts, log),
      // What is on its way counts as waiting here, and not there.
      maxQueueSize: mostWaiting,
      maxExportBatchSize: batchSpans,
      scheduledDelayMillis: everyMs,
      exportTimeoutMillis: 2 * timeoutMs,
    });
  }

  readonly take = (span: ReadableSpan): void => {
    if (this.#counts.waiting >= mostWaiting) {
      this.#counts.dropped += 1;
      return;
    }
    this.#counts.waiting += 1;
    this.#batches.onEnd(span);
  };

  flush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }
}

function otlpExporter({ endpoint, protocol }: SpanExportConfig): SpanExporter {
  const url = URL.parse(endpoint);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new ConfigError([`PARLEY_TRACE_ENDPOINT must be an http or https URL; it is "${endpoint}"`]);
  if (protocol === 'grpc') return new GrpcExporter({ url: url.href, timeoutMillis: timeoutMs });
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return new HttpExporter({ url: url.href, timeoutMillis: timeoutMs });
}

/** Counts what an exporter is given, and tells once when it begins to fail, and when it works again. */
class CountedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #counts: SpanCounts;
  readonly #log: Logger;
  #failing = false;

  constructor(exporter: SpanExporter, counts: SpanCounts, log: Logger) {
    this.#exporter = exporter;
    this.#counts = counts;
    this.#log = log;
  }

  export(...[spans, done]: Parameters<SpanExporter['export']>): void {
    this.#exporter.export(spans, (result) => {
      const worked = result.code === ExportResultCode.SUCCESS;
      this.#counts.waiting -= spans.length;
      this.#counts[worked ? 'exported' : 'failed'] += spans.length;
      this.#tell(worked, result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  #tell(worked: boolean, error: unknown): void {
    if (worked !== this.#failing) return;
    this.#failing = !worked;
    if (worked) this.#log.info('spans are exported again', { 'event.action': 'span-export-resumed' });
    else this.#log.warn('spans can not be exported', { 'event.action': 'span-export-failed' }, error);
  }
}
