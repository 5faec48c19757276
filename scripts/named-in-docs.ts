/** What a page for operators names and the program must have. Pure. */
export interface Named {
  /** `parley NAME`, with the options that follow it. */
  readonly commands: readonly { readonly name: string; readonly options: readonly string[] }[];
  /** `PARLEY_…`; those that end with `…` or `*` are beginnings. */
  readonly variables: readonly string[];
  readonly metrics: readonly string[];
  /** Words with dashes that stand in backticks by themselves: what a log line says happened. */
  readonly events: readonly string[];
  /** Words in camelCase that stand so: reasons of refusals. */
  readonly reasons: readonly string[];
}

export function namedIn(page: string): Named {
  const blocks = [...page.matchAll(/^```\w*\n(.*?)^```/gms)].map(([, text]) => text as string);
  const prose = page.replaceAll(/^```\w*\n.*?^```/gms, '');
  const spans = [...prose.matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g)].map(([, text]) => text as string);
  const lines = blocks.flatMap((block) => block.split('\n')).map((line) => line.replace(/(?:^|\s)#.*$/, ''));
  const code = [...lines, ...spans];
  return {
    commands: code.flatMap(commandsIn),
    variables: unique(page.matchAll(/PARLEY_[A-Z0-9_]+/g)),
    metrics: unique(page.matchAll(/\b(?:chat|nodejs|process)_[a-z_]+[a-z]/g)),
    events: spans.filter((span) => /^[a-z]+(?:-[a-z]+)+$/.test(span)),
    reasons: spans.filter((span) => /^[a-z]+(?:[A-Z][a-z]+)+$/.test(span)),
  };
}

function commandsIn(code: string): Named['commands'] {
  const found = [
    ...code.matchAll(
      /(?:^|[\s&|;])(?:parley|npm run parley --|services\/main\.ts) ([a-z][a-z-]*)([^|;&#\n]*)/g,
    ),
  ];
  return found.map(([, name = '', rest = '']) => ({
    name,
    options: [...rest.matchAll(/(?:^|\s)--([a-z][a-z-]*)/g)].map(([, option]) => option as string),
  }));
}

function unique(matches: Iterable<RegExpMatchArray>): string[] {
  return [...new Set([...matches].map(([name]) => name))];
}
