import { after } from 'node:test';
import { doorsOf } from './suites/doors.ts';
import { foreignGrpcOf } from './suites/foreign-grpc.ts';
import { sourceFixturesOf } from './suites/source-fixtures.ts';
import { ClusterSite } from './support/cluster-site.ts';

/** What one server does for those who come by its doors, a cluster of processes does by those of all its edges. */

const site = await ClusterSite.start();
after(() => site[Symbol.asyncDispose]());

doorsOf(site);
foreignGrpcOf(site);
sourceFixturesOf(site);
