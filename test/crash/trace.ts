/** System calls of a server, as strace wrote them down: what was written and synced when. */

/** A call that has returned. Times in milliseconds since 1970. */
interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface Trace {
  /** When the store told the trace descriptor of a batch, by the batch's id. */
  readonly announced: ReadonlyMap<string, number>;
  /** Writes to, and syncs of, LevelDB's log, in the order of their ends. */
  readonly logWrites: readonly LogCall[];
  readonly logSyncs: readonly LogCall[];
}

export interface LogCall {
  readonly path: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

const whole = /^(\d+) +(\d+\.\d+) (\w+)\((.*)\) += (-?\d+).* <(\d+\.\d+)>$/;
const begun = /^(\d+) +(\d+\.\d+) (\w+)\((.*) <unfinished \.\.\.>$/;
const resumed = /^(\d+) +(\d+\.\d+) <\.\.\. (\w+) resumed>(.*)\) += (-?\d+)/;
const logFile = /^\d+<([^>]*\/\d+\.log)>/;

/** Reads the output of `strace -f -ttt -T -y`; `traceFile` is the file behind the trace descriptor. */
export function readTrace(output: string, traceFile: string): Trace {
  const announced = new Map<string, number>();
  const logWrites: LogCall[] = [];
  const logSyncs: LogCall[] = [];
  for (const { name, args, result, startedAtMs, endedAtMs } of calls(output)) {
    if (result < 0) continue;
    const path = logFile.exec(args)?.[1];
    if (path !== undefined) {
      const call = { path, startedAtMs, endedAtMs };
      if (name === 'write') logWrites.push(call);
      else if (name === 'fdatasync' || name === 'fsync') logSyncs.push(call);
    } else if (name === 'write' && args.includes(`<${traceFile}>`)) {
      const batch = /"commit (\d+)/.exec(args)?.[1];
      if (batch !== undefined) announced.set(batch, endedAtMs);
    }
  }
  return { announced, logWrites, logSyncs };
}

function* calls(output: string): Iterable<Call> {
  /** The call that each thread is in. */
  const open = new Map<string, { name: string; args: string; startedAtMs: number }>();
  for (const line of output.split('\n')) {
    const one = whole.exec(line);
    if (one !== null) {
      const [, , at, name, args, result, seconds] = one as unknown as string[];
      const startedAtMs = Number(at) * 1000;
      const endedAtMs = startedAtMs + Number(seconds) * 1000;
      yield { name: name ?? '', args: args ?? '', result: Number(result), startedAtMs, endedAtMs };
      continue;
    }
    const start = begun.exec(line);
    if (start !== null) {
      const [, thread, at, name, args] = start as unknown as string[];
      open.set(thread ?? '', { name: name ?? '', args: args ?? '', startedAtMs: Number(at) * 1000 });
      continue;
    }
    const end = resumed.exec(line);
    if (end === null) continue;
    const [, thread, at, name, rest, result] = end as unknown as string[];
    const before = open.get(thread ?? '');
    open.delete(thread ?? '');
    if (before?.name !== name || before === undefined) continue;
    yield {
      ...before,
      args: before.args + (rest ?? ''),
      result: Number(result),
      endedAtMs: Number(at) * 1000,
    };
  }
}

/** Which batch wrote an entry, by its msg_id: from the lines that the store wrote to the trace descriptor. */
export function batchesOf(traceLines: string): Map<string, string> {
  const batches = new Map<string, string>();
  for (const line of traceLines.split('\n')) {
    const [word, batch, ...entries] = line.split(' ');
    if (word !== 'commit' || batch === undefined) continue;
    for (const entry of entries) {
      const msgId = entry.split(':')[2];
      if (msgId !== undefined) batches.set(msgId, batch);
    }
  }
  return batches;
}

export interface Acknowledgement {
  readonly msgId: bigint;
  readonly receivedAtMs: number;
}

export interface Pairing {
  /** Acknowledgements with the sync that covers their entry before them. */
  readonly paired: number;
  /** Those without, in words. */
  readonly unpaired: readonly string[];
}

/**
 * Pairs each acknowledgement with the sync that covers its own entry: the store names the entries of a batch before it
 * writes them, so the first write to the log after that has them or comes before the one that has them, the first
 * sync of that file to begin after it covers both, and it must have returned before the acknowledgement came.
 */
export function pairAcknowledgements(
  acks: readonly Acknowledgement[],
  batches: ReadonlyMap<string, string>,
  trace: Trace,
): Pairing {
  const unpaired: string[] = [];
  let paired = 0;
  for (const { msgId, receivedAtMs } of acks) {
    const why = uncovered(batches.get(`${msgId}`), receivedAtMs, trace);
    if (why === undefined) paired += 1;
    else unpaired.push(`${msgId}: ${why}`);
  }
  return { paired, unpaired };
}

function uncovered(batch: string | undefined, receivedAtMs: number, trace: Trace): string | undefined {
  if (batch === undefined) return 'no batch names it';
  const announcedAtMs = trace.announced.get(batch);
  if (announcedAtMs === undefined) return `batch ${batch} was not seen`;
  const write = firstAfter(trace.logWrites, announcedAtMs, undefined);
  if (write === undefined) return `nothing was written after batch ${batch} was announced`;
  const sync = firstAfter(trace.logSyncs, write.endedAtMs, write.path);
  if (sync === undefined) return `no sync began after batch ${batch} was written`;
  const lateMs = sync.endedAtMs - receivedAtMs;
  return lateMs <= 0 ? undefined : `its sync ended ${lateMs.toFixed(3)} ms after the acknowledgement came`;
}

/** The first call that began at or after a time. Calls of one log follow each other. */
function firstAfter(calls: readonly LogCall[], ms: number, path: string | undefined): LogCall | undefined {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((calls[middle]?.startedAtMs ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < calls.length; i++) if (path === undefined || calls[i]?.path === path) return calls[i];
  return undefined;
}
