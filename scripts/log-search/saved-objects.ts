import { dataStreams } from './index-template.ts';
import { type LogSearch, searches } from './searches.ts';

/** Kibana's name for the place in a search where it says which data view it is of. */
const indexRef = 'kibanaSavedObjectMeta.searchSourceJSON.index';
const dataViewId = 'parley-logs';

/** OpenSearch Dashboards calls it an index pattern, and so does Kibana in its files. */
const dataView = {
  type: 'index-pattern',
  id: dataViewId,
  attributes: { title: dataStreams, name: 'Parley: logs', timeFieldName: '@timestamp' },
  references: [],
};

function savedSearch({ id, title, doc, query, columns }: LogSearch): object {
  return {
    type: 'search',
    id: `parley-${id}`,
    attributes: {
      title: `Parley: ${title}`,
      description: doc,
      columns,
      sort: [['@timestamp', 'desc']],
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({
          query: { language: 'lucene', query },
          filter: [],
          indexRefName: indexRef,
        }),
      },
    },
    references: [{ type: 'index-pattern', id: dataViewId, name: indexRef }],
  };
}

/** As Kibana imports them: one object a line. */
export function savedObjects(): string {
  return [dataView, ...searches.map(savedSearch)].map((object) => `${JSON.stringify(object)}\n`).join('');
}
