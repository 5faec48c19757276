import { knowsClusterToken } from '../core/cluster-token.ts';
import { Fault } from '../core/fault.ts';
import { type Hello, linkVersion } from './hello.ts';

/** Throws a Fault for a node that may not link. `clusterToken` is empty in development alone. */
export function admit(peer: Hello, clusterToken: string): void {
  if (!knowsClusterToken(peer.clusterToken, clusterToken))
    throw new Fault('tokenInvalid', { message: 'the cluster token is another one' });
  if (peer.version !== linkVersion)
    throw new Fault('unsupportedProtocol', {
      message: `this node speaks version ${linkVersion} of links, not ${peer.version}`,
    });
  if (peer.nodeId === '' || peer.nodeId.length > 64)
    throw new Fault('invalidField', { message: 'a node has a name of 1 to 64 characters' });
}
