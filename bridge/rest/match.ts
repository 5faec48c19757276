import type { HttpMethod, Route } from './route.ts';

export type Match =
  | { readonly t: 'route'; readonly route: Route; readonly params: Readonly<Record<string, string>> }
  /** The path exists for other methods. */
  | { readonly t: 'method'; readonly allowed: readonly HttpMethod[] }
  | { readonly t: 'none' };

interface Compiled {
  readonly route: Route;
  readonly parts: readonly string[];
}

/** Finds the route of a request by its method and path. */
export class RouteTable {
  readonly #compiled: readonly Compiled[];

  constructor(routes: readonly Route[]) {
    this.#compiled = routes.map((route) => ({ route, parts: route.path.split('/') }));
  }

  find(method: string, path: string): Match {
    const parts = decodeParts(path);
    if (parts === undefined) return { t: 'none' };
    const allowed: HttpMethod[] = [];
    for (const { route, parts: pattern } of this.#compiled) {
      const params = fit(pattern, parts);
      if (params === undefined) continue;
      if (route.method === method || (route.method === 'GET' && method === 'HEAD'))
        return { t: 'route', route, params };
      allowed.push(route.method);
    }
    return allowed.length === 0 ? { t: 'none' } : { t: 'method', allowed };
  }
}

function decodeParts(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function fit(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index] as string;
    if (wanted.startsWith('{')) params[wanted.slice(1, -1)] = part;
    else if (wanted !== part) return undefined;
  }
  return params;
}
