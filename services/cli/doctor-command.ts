import { type Environment, loadConfig } from '../core/config.ts';
import type { Finding } from '../doctor/finding.ts';
import { optionTables } from '../options.ts';
import type { Command } from './command.ts';

const marks = { ok: 'ok      ', warning: 'WARNING ', error: 'ERROR   ' } as const;

/** `parley doctor`: what is wrong with a deployment, in words. `env` is the process's unless given. */
export function doctorCommand(env?: Environment): Command {
  return {
    name: 'doctor',
    operands: '',
    summary: 'Say what is wrong with this machine, or with the cluster that is configured.',
    options: {
      json: { doc: 'Answer in JSON, for programs.' },
      quiet: { doc: 'Say nothing of what is as it should be.' },
    },
    least: 0,
    most: 0,
    async run(args, io) {
      // It loads what speaks to every engine, which nothing else here needs.
      const { examine } = await import('../doctor/doctor.ts');
      const findings = await examine(loadConfig(optionTables, env), env);
      const shown = args.flags.has('quiet') ? findings.filter(({ severity }) => severity !== 'ok') : findings;
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      const warnings = findings.filter(({ severity }) => severity === 'warning').length;
      if (args.flags.has('json'))
        io.out(`${JSON.stringify({ errors, warnings, findings: shown }, undefined, 2)}\n`);
      else for (const finding of shown) io.out(lineOf(finding));
      io.note(`${errors} errors, ${warnings} warnings\n`);
      return errors > 0 ? 1 : 0;
    },
  };
}

function lineOf({ severity, part, found, advice }: Finding): string {
  const then = advice === '' ? '' : `${' '.repeat(marks[severity].length)}→ ${advice}\n`;
  return `${marks[severity]}${part}: ${found}\n${then}`;
}
