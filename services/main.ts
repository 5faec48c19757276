import { ConfigError, loadConfig, unknownVariables } from './core/config.ts';
import { createLogger } from './core/log.ts';
import { startEmbedded } from './embedded-server.ts';
import { optionTables } from './options.ts';

const config = loadConfig(optionTables);
const log = createLogger(config.log);
for (const hint of unknownVariables(optionTables)) log.warn(hint);
try {
  const server = await startEmbedded(config, log);
  const stop = () => {
    process.once('SIGINT', () => process.exit(1));
    void server.stop('signal').then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  log.info('ready', { 'parley.http': server.ports.http, 'parley.grpc': server.ports.grpc });
} catch (error) {
  log.error(error instanceof ConfigError ? error.message : 'cannot start', {}, error);
  process.exitCode = 1;
}
