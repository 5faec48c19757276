import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../../../scripts/paths.ts';

export const prometheusDirectory = join(root, 'deploy', 'prometheus');

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** What promtool expects of an expression at a moment; nothing at all where samples are not given. */
export interface RuleTest {
  readonly name: string;
  readonly promql_expr_test: readonly {
    readonly expr: string;
    readonly exp_samples?: readonly unknown[];
  }[];
}

/** A YAML file of the repository. */
export function yamlOf(...path: readonly string[]): unknown {
  return parse(readFileSync(join(root, ...path), 'utf8'));
}

export function rulesOf(file: 'alerts.yml' | 'recording.yml'): Rule[] {
  const { groups } = yamlOf('deploy', 'prometheus', 'rules', file) as RuleFile;
  return groups.flatMap(({ rules }) => rules);
}

export function ruleTests(): RuleTest[] {
  return ['alerts.yml', 'hours.yml'].flatMap(
    (file) => (yamlOf('deploy', 'prometheus', 'tests', file) as { tests: RuleTest[] }).tests,
  );
}
