import type { Actor } from '../../peer/administration.ts';
import type { RouteContext } from './route.ts';

/** Who does what a call asks for: the service behind it. */
export function actorOf({ caller, remoteAddress }: RouteContext): Actor {
  return { name: caller.service, remoteAddress };
}
