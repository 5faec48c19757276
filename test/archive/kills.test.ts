import { killRounds } from './support/kill-rounds.ts';

killRounds({ conversations: 40, entries: 30, kills: 1 });
