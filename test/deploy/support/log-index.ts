import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataStream, templateName } from '../../../scripts/log-search/index-template.ts';
import { root } from '../../../scripts/paths.ts';
import { OpenSearch } from '../../engines/opensearch.ts';

/** A line as it is found again. */
export type Found = Readonly<Record<string, unknown>>;

interface Hits {
  readonly hits: { readonly total: { readonly value: number }; readonly hits: readonly { _source: Found }[] };
}

/** At most this many are found at once: what an index allows by itself. */
const mostFound = 10_000;

/** The logs in a real OpenSearch, with the template of deploy/rsyslog. */
export class LogIndex implements AsyncDisposable {
  readonly engine: OpenSearch;

  private constructor(engine: OpenSearch) {
    this.engine = engine;
  }

  /** Fields that the template does not have are refused here, where they would be kept unseen elsewhere. */
  static async start(): Promise<LogIndex> {
    const engine = await OpenSearch.start();
    const text = await readFile(join(root, 'deploy', 'rsyslog', 'index-template.json'), 'utf8');
    const strict = text.replace('"dynamic": false', '"dynamic": "strict"');
    if (strict === text) throw new Error('the template says something else of fields that it does not have');
    await engine.ask('PUT', `/_index_template/${templateName}`, JSON.parse(strict) as object);
    return new LogIndex(engine);
  }

  /** All that is there now; none while nobody can say, for the index is being made. */
  async count(): Promise<number> {
    try {
      await this.engine.ask('POST', `/${dataStream}/_refresh`);
      return (await this.engine.ask<{ count: number }>('GET', `/${dataStream}/_count`)).count;
    } catch {
      return 0;
    }
  }

  /** What a query of Lucene's finds, as a saved search asks it: how many, and 10,000 of them. */
  find(query: string): Promise<{ readonly total: number; readonly lines: readonly Found[] }> {
    return this.#search({ query_string: { query } });
  }

  /** Documents with a value that is not of its field's kind. */
  async malformed(): Promise<number> {
    return (await this.#search({ exists: { field: '_ignored' } })).total;
  }

  async #search(query: object) {
    await this.engine.ask('POST', `/${dataStream}/_refresh`);
    const { hits } = await this.engine.ask<Hits>('POST', `/${dataStream}/_search`, {
      query,
      size: mostFound,
      track_total_hits: true,
    });
    return { total: hits.total.value, lines: hits.hits.map(({ _source }) => _source) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
  }
}
