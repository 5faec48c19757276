import { performance } from 'node:perf_hooks';

/** How busy this process is: the share of the time since the last answer that its event loop worked, from 0 to 1. */
export function loopShare(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
