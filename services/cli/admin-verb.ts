import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { ListNodesResponse } from '../../gen/parley/chat/v1/cluster_pb.ts';
import type { AdminClient } from './admin-client.ts';
import { type Arguments, UsageError } from './command.ts';
import { oneValue } from './parse-arguments.ts';
import { shellWord } from './shell-word.ts';
import { table } from './table.ts';

/** What a verb tells: for programs, and for people. */
export interface Told {
  readonly json: unknown;
  readonly text: string;
  /** Said beside the result. */
  readonly note?: string;
  /** Something was not reached, or not done. */
  readonly partial?: boolean;
}

export interface Verb {
  readonly operands: string;
  readonly least: number;
  readonly most: number;
  readonly doc: string;
  run(client: AdminClient, operands: readonly string[], args: Arguments): Promise<Told>;
}

type Beside = Pick<Told, 'note' | 'partial'>;

export function told<Schema extends DescMessage>(
  schema: Schema,
  answer: MessageShape<Schema>,
  rest: Omit<Told, 'json'>,
): Told {
  return { json: toJson(schema, answer), ...rest };
}

interface Listing<Schema extends DescMessage> {
  /** All of them must be given. */
  readonly operands?: string;
  readonly doc: string;
  readonly schema: Schema;
  ask(client: AdminClient, operands: readonly string[], args: Arguments): Promise<MessageShape<Schema>>;
  readonly headings: readonly string[];
  rows(answer: MessageShape<Schema>): readonly (readonly string[])[];
  /** A line above the table. */
  above?(answer: MessageShape<Schema>): string;
  beside?(answer: MessageShape<Schema>): Beside;
}

/** A verb that asks one question and shows the answer as a table. */
export function listing<Schema extends DescMessage>(of: Listing<Schema>): Verb {
  const { operands = '', doc } = of;
  const count = operands === '' ? 0 : operands.split(' ').length;
  return {
    operands,
    least: count,
    most: count,
    doc,
    async run(client, given, args) {
      const answer = await of.ask(client, given, args);
      const above = of.above === undefined ? '' : `${of.above(answer)}\n`;
      const text = above + table(of.headings, of.rows(answer));
      return told(of.schema, answer, { text, ...of.beside?.(answer) });
    },
  };
}

export function unreached(nodes: readonly string[]): Beside {
  return nodes.length === 0 ? {} : { note: `not reached: ${nodes.join(', ')}`, partial: true };
}

/** Whether all nodes were reached, and are known at all. */
export function nodesReached({ nodes, directoryAvailable }: ListNodesResponse): Beside {
  if (!directoryAvailable)
    return { note: 'the directory can not be read: this node alone is shown', partial: true };
  return unreached(nodes.filter(({ problem }) => problem !== '').map(({ id }) => id));
}

export function moreAfter(token: string): Beside {
  return token === '' ? {} : { note: `there are more: --after ${shellWord(token)}` };
}

export function limitOf(args: Arguments): number {
  const text = oneValue(args, 'limit');
  if (text === undefined) return 0;
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new UsageError(`--limit must be a number from 1 to 9999; it is ${text}`);
  return Number(text);
}
