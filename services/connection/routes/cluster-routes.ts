import type { ClusterService } from '../../../gen/parley/chat/v1/cluster_pb.ts';
import type { ConvId } from '../../core/ids.ts';
import { requireScope } from '../auth.ts';
import * as check from '../check.ts';
import type { Routes } from './route.ts';

export const clusterRoutes: Routes<typeof ClusterService> = {
  async listNodes(_request, { caller, administration }) {
    requireScope(caller, 'admin');
    return administration.nodes();
  },

  async locateConversation({ convId }, { caller, administration }) {
    requireScope(caller, 'admin');
    return administration.locate(check.convId(convId, 'conv_id') as ConvId);
  },

  async listHotConversations({ limit }, { caller, administration }) {
    requireScope(caller, 'admin');
    return administration.hot(check.pageSize(limit, 20, 100, 'limit'));
  },

  async listSlowSessions({ limit }, { caller, administration }) {
    requireScope(caller, 'admin');
    return administration.slow(check.pageSize(limit, 100, 1_000, 'limit'));
  },

  async listWorkerLeases(_request, { caller, administration }) {
    requireScope(caller, 'admin');
    return administration.leases();
  },
};
