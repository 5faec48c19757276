import { openEmbeddedTarget } from '../../../services/adapters/embedded/archive-target.ts';
import { openMySqlTarget } from '../../../services/adapters/mysql/archive-target.ts';
import { mySqlOptions } from '../../../services/adapters/mysql/options.ts';
import { rowsOf } from '../../../services/archive/frame.ts';
import { archiveIdOf, readManifest, recordOf } from '../../../services/archive/manifest.ts';
import { readPart } from '../../../services/archive/part-reader.ts';
import { loadConfig } from '../../../services/core/config.ts';
import { firstKey } from '../../../services/ports/message-store-conformance/fixture.ts';

/** What an import that dies behind its first frames leaves. */
export async function halfImport(
  env: Readonly<Record<string, string>>,
  directory: string,
  frames: number,
): Promise<void> {
  const manifest = await readManifest(directory);
  const { mysql } = loadConfig({ mysql: mySqlOptions }, env);
  const masterKeys = [firstKey];
  await using target =
    mysql.url === ''
      ? await openEmbeddedTarget(`${env['PARLEY_DATA_DIR']}/store`, masterKeys)
      : await openMySqlTarget({ config: mysql, masterKeys, nowMs: Date.now, onWait: () => {} });
  await target.begin(archiveIdOf(manifest), recordOf(manifest.store));
  let frame = 0;
  for (const no of manifest.parts.keys())
    for await (const each of readPart({ directory, no: no + 1, epoch: manifest.store.epoch })) {
      if (frame === frames) return;
      await target.write(frame, rowsOf(each));
      frame += 1;
    }
}
