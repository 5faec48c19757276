import type { DestinationStream } from 'pino';

const colours: Readonly<Record<string, string>> = {
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[31m',
};
const dim = '\u001b[2m';
const plain = '\u001b[0m';
const hidden = new Set([
  '@timestamp',
  'log.level',
  'message',
  'service.name',
  'process.pid',
  'ecs.version',
  'event.action',
  'error.stack_trace',
]);

/** Turns JSON lines into lines for people at a terminal: time, message, then what is particular to the line. */
export function prettyLines(target: DestinationStream): DestinationStream {
  return { write: (line) => void target.write(prettyLine(line)) };
}

export function prettyLine(line: string): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const level = String(fields['log.level']);
  const time = new Date(String(fields['@timestamp'])).toLocaleTimeString('en-GB');
  const rest = Object.entries(fields)
    .filter(([name]) => !hidden.has(name))
    .map(([name, value]) => `${name.replace(/^parley\./, '')}=${String(value)}`);
  const colour = colours[level] ?? '';
  const mark = level === 'info' ? '' : `${level} `;
  const stack = fields['error.stack_trace'];
  return (
    `${dim}${time}${plain} ${colour}${mark}${String(fields.message)}${plain}` +
    (rest.length > 0 ? ` ${dim}${rest.join(' ')}${plain}` : '') +
    (typeof stack === 'string' ? `\n${dim}${stack}${plain}\n` : '\n')
  );
}
