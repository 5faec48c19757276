import { connectionOptions } from '../../services/connection/options.ts';
import { loadConfig } from '../../services/core/config.ts';
import { messageOptions } from '../../services/message/options.ts';
import type { Dice } from './dice.ts';

const usual = loadConfig({ message: messageOptions, connection: connectionOptions }, {});

export type SimConfig = typeof usual & {
  /** Of a link: undefined is what is usual, which holds all that a simulated node has to say at once. */
  readonly messageBytes: number | undefined;
};

/** Options of all nodes of a schedule: mostly the usual ones, at times so small that limits are met. */
export function drawConfig(dice: Dice, messageBytes: number | undefined): SimConfig {
  const tiny = dice.oneIn(4);
  return {
    message: {
      ...usual.message,
      batchEntries: dice.oneIn(3) ? 1 + dice.below(4) : usual.message.batchEntries,
      hotConversations: dice.oneIn(5) ? 1 : usual.message.hotConversations,
      recentBytes: dice.oneIn(5) ? 1_000 : usual.message.recentBytes,
      decideTimeoutMs: dice.oneIn(2) ? 1_000 : usual.message.decideTimeoutMs,
    },
    connection: {
      ...usual.connection,
      lobby: false,
      windowBytes: tiny ? 300 : usual.connection.windowBytes,
      redeliverAfterMs: dice.oneIn(3) ? 1_000 : usual.connection.redeliverAfterMs,
      callTimeoutMs: dice.oneIn(3) ? 2_000 : usual.connection.callTimeoutMs,
    },
    messageBytes,
  };
}
