import type { HrTime } from '@opentelemetry/api';

const nanosOfMs = 1e6;

/** Of milliseconds since 1970, with a fraction: seconds and nanoseconds, as fine as a double has them: to a quarter of a microsecond. */
export function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * nanosOfMs)];
}

/** Of two times, the later one second. */
export function hrTimeBetween([fromSeconds, fromNanos]: HrTime, [toSeconds, toNanos]: HrTime): HrTime {
  const nanos = toNanos - fromNanos;
  return nanos < 0 ? [toSeconds - fromSeconds - 1, nanos + 1e9] : [toSeconds - fromSeconds, nanos];
}
