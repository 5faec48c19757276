import { MavenJars } from './maven-jars.ts';

/** OpenSearch's own jars: a node of a search engine. */
export const openSearchJars = new MavenJars({ name: 'opensearch', pom: 'opensearch.pom.xml' });
