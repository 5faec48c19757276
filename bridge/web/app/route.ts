/** What the page shows, as its address says: `#/c/<conversation>` or `#/u/<user>`. */
export type Route =
  | { readonly t: 'list' }
  | { readonly t: 'conversation'; readonly convId: string }
  | { readonly t: 'user'; readonly userId: string };

export function parseRoute(hash: string): Route {
  const [, kind = '', encoded = ''] = /^#\/([cu])\/(.+)$/u.exec(hash) ?? [];
  const id = decode(encoded);
  if (id === '') return { t: 'list' };
  return kind === 'c' ? { t: 'conversation', convId: id } : { t: 'user', userId: id };
}

export function hashOf(route: Route): string {
  if (route.t === 'conversation') return `#/c/${encodeURIComponent(route.convId)}`;
  if (route.t === 'user') return `#/u/${encodeURIComponent(route.userId)}`;
  return '#/';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
