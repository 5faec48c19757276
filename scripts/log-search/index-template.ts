import { logFields } from '../../services/core/log-fields.ts';

/** The data stream that logs go to: named as Elastic names them, type, dataset, namespace. */
export const dataStream = 'logs-parley-default';
/** All there may be: of several deployments, each has its own namespace. */
export const dataStreams = 'logs-parley-*';
/** Of the template, and of the policy that it names. */
export const templateName = 'parley-logs';

type Kind = (typeof logFields)[keyof typeof logFields];

/** How each kind of field is indexed. */
const mappings: Readonly<Record<Kind, object>> = {
  date: { type: 'date' },
  // What is longer is kept, and not found by it.
  keyword: { type: 'keyword', ignore_above: 1_024 },
  text: { type: 'text', norms: false },
  // A line whose number is none is kept all the same, and its document says so (`_ignored`).
  long: { type: 'long', ignore_malformed: true },
  boolean: { type: 'boolean' },
};

interface Properties {
  [name: string]: { properties: Properties } | { readonly type: string };
}

/** `log.level` is the field `level` of the object `log`. */
function properties(): Properties {
  const all: Properties = {};
  for (const [name, kind] of Object.entries(logFields)) {
    const steps = name.split('.');
    const last = steps.pop() as string;
    let within = all;
    for (const step of steps) {
      const object = (within[step] ??= { properties: {} }) as { properties: Properties };
      within = object.properties;
    }
    // A date that is none would be a line without a time, which a data stream does not take.
    within[last] = mappings[kind] as { type: string };
  }
  return all;
}

/**
 * What a search engine makes of a log line. Fields that are not in the table are kept and not indexed (`dynamic: false`):
 * while nodes are upgraded, one that is newer than the template may have some, and a line is worth more than a mapping.
 * The policy of retention is Elasticsearch's own; OpenSearch refuses a template that names one.
 */
export function indexTemplate(retention: 'by policy' | 'by script'): object {
  return {
    index_patterns: [dataStreams],
    data_stream: {},
    // Before the template of Elastic's own for all logs, which has 100.
    priority: 500,
    template: {
      settings: {
        index: {
          number_of_shards: 1,
          // A copy where there is a second node.
          auto_expand_replicas: '0-1',
          codec: 'best_compression',
          refresh_interval: '5s',
          ...(retention === 'by policy' ? { lifecycle: { name: templateName } } : {}),
        },
      },
      mappings: { dynamic: false, properties: properties() },
    },
    _meta: { description: 'Log lines of Parley; generated from its table of fields.' },
  };
}

/** How long logs are kept: a new index a day, or where one gets too large, each deleted thirty days after its last line. */
export const lifecyclePolicy = {
  policy: {
    phases: {
      hot: {
        min_age: '0ms',
        actions: { rollover: { max_age: '1d', max_primary_shard_size: '10gb' } },
      },
      delete: { min_age: '30d', actions: { delete: {} } },
    },
    _meta: { description: 'Log lines of Parley' },
  },
};
