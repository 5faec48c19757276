import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const version = '4.1.1';

/** The directory with the broker's jars: fetched by Maven when they are not there yet. */
export async function kafkaJars(): Promise<string> {
  const cache = join(homedir(), '.cache', 'parley');
  const jars = join(cache, `kafka-${version}`);
  if ((await readdir(jars).catch(() => [])).length > 0) return jars;
  await mkdir(cache, { recursive: true });
  // Fetched beside its place and moved there, so that one who is interrupted leaves no half of it.
  const making = await mkdtemp(join(cache, 'kafka-'));
  await writeFile(join(making, 'pom.xml'), pom);
  await promisify(execFile)(
    'mvn',
    [
      '-B',
      '-q',
      '-f',
      join(making, 'pom.xml'),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${making}/jars`,
    ],
    { maxBuffer: 16 * 1024 * 1024 },
  );
  await rename(join(making, 'jars'), jars).catch(async (error: NodeJS.ErrnoException) => {
    // Another test was faster.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  await rm(making, { recursive: true, force: true });
  return jars;
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>parley.test</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;
