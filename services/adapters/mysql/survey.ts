import { readdir } from 'node:fs/promises';
import { refusal } from './failure.ts';
import { migrationsDirectory } from './schema.ts';
import { type MySqlConfig, serverOf } from './server.ts';
import { type Row, Session } from './session.ts';
import { type ServerTraits, traitsOf, traitsQuery } from './traits.ts';

/** A database as it is found, without changing anything. */
export interface DatabaseSurvey {
  readonly version: string;
  readonly traits: ServerTraits;
  /** Of the tables; undefined where there is no store yet. */
  readonly schemaVersion: number | undefined;
  readonly knownVersion: number;
  /** Undefined where there is no store yet. */
  readonly epoch: string | undefined;
  /** How far its clock is ahead of this machine's, in milliseconds, to half of `roundTripMs`. */
  readonly clockSkewMs: number;
  readonly roundTripMs: number;
  readonly maxConnections: number;
  /** Of a Galera node: its own words by name of status, like `wsrep_cluster_status`. */
  readonly galera: Readonly<Record<string, string>> | undefined;
}

const galeraNames = [
  'wsrep_cluster_status',
  'wsrep_cluster_size',
  'wsrep_connected',
  'wsrep_ready',
  'wsrep_local_state_comment',
  'wsrep_flow_control_paused',
] as const;

/** Looks at the database that is configured. Rejects with a StoreError that says in words why it can't. */
export async function surveyDatabase(config: MySqlConfig): Promise<DatabaseSurvey> {
  let session: Session | undefined;
  try {
    session = await Session.open(serverOf(config), config.connectTimeoutMs);
    const ask = async (sql: string): Promise<readonly Row[]> => {
      const results = await (session as Session).query(sql, config.readTimeoutMs);
      return results.flatMap(({ rows }) => rows);
    };
    await ask("SET SESSION time_zone = '+00:00'");
    const beganAtMs = Date.now();
    const [clock] = await ask('SELECT ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000)');
    const roundTripMs = Date.now() - beganAtMs;
    const traits = traitsOf(await ask(traitsQuery));
    const variables = namesOf(
      await ask("SHOW VARIABLES WHERE Variable_name IN ('version', 'max_connections')"),
    );
    const tables = new Set((await ask('SHOW TABLES')).map(([name]) => String(name)));
    const [version] = tables.has('schema_version')
      ? await ask('SELECT MAX(version) FROM schema_version')
      : [];
    const [epoch] = tables.has('store_epoch') ? await ask('SELECT epoch FROM store_epoch') : [];
    const known = (await readdir(migrationsDirectory)).filter((name) => name.endsWith('.sql')).length;
    const wanted = galeraNames.map((name) => `'${name}'`).join(',');
    return {
      version: variables.version ?? '?',
      traits,
      schemaVersion: version === undefined || version[0] === null ? undefined : Number(version[0]),
      knownVersion: known,
      epoch: epoch === undefined ? undefined : String(epoch[0]),
      clockSkewMs: Number(clock?.[0]) - (beganAtMs + roundTripMs / 2),
      roundTripMs,
      maxConnections: Number(variables.max_connections ?? 0),
      galera: traits.galera
        ? namesOf(await ask(`SHOW STATUS WHERE Variable_name IN (${wanted})`))
        : undefined,
    };
  } catch (error) {
    throw refusal(error);
  } finally {
    session?.destroy();
  }
}

function namesOf(rows: readonly Row[]): Record<string, string> {
  return Object.fromEntries(rows.map(([name, value]) => [String(name).toLowerCase(), String(value)]));
}
