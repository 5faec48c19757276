import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Meters } from './meters.ts';

/** Metrics of the process itself. The event loop's figures are since the last scrape. */
export function addProcessMeters(meters: Meters): Disposable {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  meters.gauge('nodejs_eventloop_lag_seconds', 'How late timers fire.', () => {
    // Nothing measured yet reads as NaN and as a huge minimum.
    const seconds = (nanoseconds: number) => (delay.count === 0 ? 0 : nanoseconds / 1e9);
    const values = [
      [{ quantile: 'mean' }, seconds(delay.mean)],
      [{ quantile: '0.99' }, seconds(delay.percentile(99))],
      [{ quantile: 'max' }, seconds(delay.max)],
    ] as const;
    delay.reset();
    return values;
  });
  let last = performance.eventLoopUtilization();
  meters.gauge('nodejs_eventloop_utilization_ratio', 'Share of time that the event loop was busy.', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  });
  meters.total('process_cpu_seconds_total', 'CPU time of the process, all threads.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  meters.gauge('process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
  meters.gauge('nodejs_memory_bytes', 'Memory by use.', () => {
    const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    return [
      [{ use: 'heap_used' }, heapUsed],
      [{ use: 'heap_total' }, heapTotal],
      [{ use: 'external' }, external],
      [{ use: 'array_buffers' }, arrayBuffers],
    ];
  });
  const startedAt = performance.timeOrigin / 1000;
  meters.gauge('process_start_time_seconds', 'When the process started, since 1970.', () => startedAt);
  return { [Symbol.dispose]: () => void delay.disable() };
}
