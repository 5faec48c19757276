import { after } from 'node:test';
import { reloadOf } from '../e2e/suites/reload.ts';
import { ClusterSite } from '../e2e/support/cluster-site.ts';

const site = await ClusterSite.start();
after(() => site[Symbol.asyncDispose]());

// Each of the seven processes is killed about twice.
reloadOf(site, { reloads: 20, offlines: 15, kills: 15 });
