import { killRounds } from '../archive/support/kill-rounds.ts';

killRounds({ conversations: 400, entries: 100, kills: 12 });
