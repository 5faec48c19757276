import { readdirSync, readFileSync, statSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { loopShare } from './loop-share.ts';
import type { Meters } from './meters.ts';

/** Pauses of the garbage collector, in seconds. */
const gcBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] as const;
const gcKinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak_callbacks',
};

/** Metrics of the process itself. The event loop's figures are since the last scrape. */
export function addProcessMeters(meters: Meters): Disposable {
  using stack = new DisposableStack();
  stack.use(addEventLoopMeters(meters));
  stack.use(addGcMeters(meters));
  addMemoryMeters(meters);
  addFileMeters(meters);
  const cpu = (seconds: (usage: NodeJS.CpuUsage) => number) => () => seconds(process.cpuUsage()) / 1e6;
  meters.total(
    'process_cpu_seconds_total',
    'CPU time of the process, all threads.',
    cpu(({ user, system }) => user + system),
  );
  meters.total(
    'process_cpu_system_seconds_total',
    'The part of it that the operating system worked.',
    cpu(({ system }) => system),
  );
  const startedAt = performance.timeOrigin / 1000;
  meters.gauge('process_start_time_seconds', 'When the process started, since 1970.', () => startedAt);
  return stack.move();
}

function addEventLoopMeters(meters: Meters): Disposable {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  meters.gauge(
    'nodejs_eventloop_lag_seconds',
    'How late timers fire, since the last scrape.',
    () => {
      // Nothing measured yet reads as NaN and as a huge minimum.
      const seconds = (nanoseconds: number) => (delay.count === 0 ? 0 : nanoseconds / 1e9);
      const values = [
        [{ quantile: 'mean' }, seconds(delay.mean)],
        [{ quantile: '0.5' }, seconds(delay.percentile(50))],
        [{ quantile: '0.99' }, seconds(delay.percentile(99))],
        [{ quantile: 'max' }, seconds(delay.max)],
      ] as const;
      delay.reset();
      return values;
    },
    'quantile',
  );
  meters.gauge(
    'nodejs_eventloop_utilization_ratio',
    'Share of time that the event loop was busy, since the last scrape.',
    loopShare(),
  );
  return { [Symbol.dispose]: () => void delay.disable() };
}

function addGcMeters(meters: Meters): Disposable {
  const pauses = meters.histogram('nodejs_gc_pause_seconds', 'Garbage collections.', gcBuckets);
  const seconds = meters.counter('nodejs_gc_seconds_total', 'Time in garbage collections.', 'kind');
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as { readonly detail?: { readonly kind?: number } }).detail ?? {};
      pauses.record(entry.duration / 1e3);
      seconds.add(entry.duration / 1e3, gcKinds[kind ?? -1] ?? 'other');
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return { [Symbol.dispose]: () => observer.disconnect() };
}

function addMemoryMeters(meters: Meters): void {
  meters.gauge('process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
  meters.gauge(
    'nodejs_memory_bytes',
    'Memory by use.',
    () => {
      const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
      return [
        [{ use: 'heap_used' }, heapUsed],
        [{ use: 'heap_total' }, heapTotal],
        [{ use: 'external' }, external],
        [{ use: 'array_buffers' }, arrayBuffers],
      ];
    },
    'use',
  );
  meters.gauge(
    'nodejs_heap_limit_bytes',
    'What the heap may grow to.',
    () => getHeapStatistics().heap_size_limit,
  );
}

/** Only where the operating system tells (Linux). */
function addFileMeters(meters: Meters): void {
  const most = mostFiles();
  if (most === undefined) return;
  meters.gauge('process_open_fds', 'Open files, sockets among them.', openFiles);
  meters.gauge('process_max_fds', 'Open files that the process may have.', () => most);
}

function openFiles(): number {
  // Since Linux 6.2 the directory's size is their number: counting a hundred thousand by name would take long.
  const { size } = statSync('/proc/self/fd');
  return size > 0 ? size : readdirSync('/proc/self/fd').length;
}

function mostFiles(): number | undefined {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
