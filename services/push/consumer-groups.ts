import type { Endpoint } from './endpoint-file.ts';

/** By this name push nodes consume the log for devices: they share the conversations. */
export const deviceGroup = 'push.devices';

/**
 * The groups by which the log is consumed: of each endpoint one for entries and one for who was offline, and one for
 * devices where they are pushed to.
 */
export function groupsOf(endpoints: readonly Endpoint[], devices = false): string[] {
  const groups = endpoints.flatMap((endpoint) => [
    ...(wantsEntries(endpoint) ? [entryGroup(endpoint)] : []),
    ...(endpoint.types.has('message.offline') ? [offlineGroup(endpoint)] : []),
  ]);
  return devices ? [...groups, deviceGroup] : groups;
}

export function entryGroup({ name }: Endpoint): string {
  return `webhook.${name}`;
}

export function offlineGroup({ name }: Endpoint): string {
  return `webhook-offline.${name}`;
}

/** Whether it hears of entries, and not just of who was offline. */
export function wantsEntries({ types }: Endpoint): boolean {
  return types.size > (types.has('message.offline') ? 1 : 0);
}
