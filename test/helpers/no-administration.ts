import { Fault } from '../../services/core/fault.ts';
import type { Administration } from '../../services/peer/administration.ts';

const refuse = (): never => {
  throw new Fault('unknownCommand', { message: 'nobody administers nodes that a test puts together' });
};

/** For connection nodes that a test puts together by hand: acts are carried out, and nobody keeps an audit log. */
export const noAdministration: Administration = {
  act: (_by, _act, carryOut) => carryOut(),
  issued: async () => {},
  nodes: refuse,
  locate: refuse,
  hot: refuse,
  slow: refuse,
  leases: refuse,
  endSessions: refuse,
  group: refuse,
  audit: refuse,
  letters: refuse,
  replay: refuse,
  drop: refuse,
};
