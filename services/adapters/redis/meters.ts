/** What the directory on Redis counts, in plain numbers: telemetry reads them when it is asked. */
export class RedisMeters {
  /** 1 while Redis is within reach, 0 while it is not. */
  available = 0;
  /** Times that it came within reach. */
  connects = 0;
  /** Commands that wait for their answer. */
  pending = 0;
  commands = 0;
  /** Commands that failed, those without an answer in time included. */
  failures = 0;
  timeouts = 0;
  /** Commands refused at once: Redis was out of reach, or too many waited. */
  refused = 0;
  pageHits = 0;
  pageMisses = 0;
  /** Pages not kept: too large, or too many on their way. */
  pagesDropped = 0;
  /** Takings let pass without a look, because Redis was out of reach. */
  ratesUnchecked = 0;
  /** Values in Redis that nobody of us wrote. */
  malformed = 0;
}
