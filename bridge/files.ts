import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';
import { type HttpRequest, type HttpResponse, pathOf, respond } from './http-types.ts';
import { notBuiltPage } from './not-built.ts';
import { pageHeaders } from './page-headers.ts';
import { problem, respondProblem } from './problem.ts';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

const maxFileBytes = 8 * 1024 * 1024;
const index = '/index.html';
const adminIndex = '/admin/index.html';

/** Files that the build named by their content never change. */
const hashed = /^\/assets\/[^/]+-[\w-]{8,}\.\w+$/;

/** A file inside the root. `etag` changes with its content. */
interface Found {
  readonly file: string;
  readonly path: string;
  readonly etag: string;
}

/** Serves the built page: GET and HEAD of files inside one directory, and its index for every other page path. */
export class Files {
  readonly #root: string;
  readonly #admin: boolean;

  /** `admin`: whether the page of the administration is served, too. */
  constructor(root: string, { admin }: { readonly admin: boolean }) {
    this.#root = resolve(root);
    this.#admin = admin;
  }

  /** Never rejects. */
  async serve(request: HttpRequest, response: HttpResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const what = problem(405, 'methodNotAllowed', 'files can be read only');
      respondProblem(request, response, what, { allow: 'GET, HEAD' });
      return;
    }
    const path = decodePath(pathOf(request.url ?? '/'));
    if (path === undefined) {
      respondProblem(request, response, problem(400, 'badPath', 'the path is not allowed'));
      return;
    }
    // A path without a dot in its last part is a place inside the page.
    const inPage = !path.slice(path.lastIndexOf('/')).includes('.');
    const home = /^\/admin(\/|$)/.test(path) ? adminIndex : index;
    if (home === adminIndex && !this.#admin) {
      respondProblem(request, response, problem(404, 'notFound', 'the administration has no page here'));
      return;
    }
    const found = (await this.#find(path)) ?? (inPage ? await this.#find(home) : undefined);
    const bytes = found === undefined ? undefined : await readFile(found.file).catch(() => undefined);
    if (found !== undefined && bytes !== undefined) send(request, response, found, bytes);
    else if (inPage || path === index) respond(request, response, 503, htmlHeaders, notBuiltPage);
    else respondProblem(request, response, problem(404, 'notFound', 'no such file'));
  }

  async #find(path: string): Promise<Found | undefined> {
    try {
      // Both resolved, so that a link out of the root is found out.
      const root = await realpath(this.#root);
      const file = await realpath(resolve(root, `.${path}`));
      if (!file.startsWith(root + sep)) return undefined;
      const info = await stat(file);
      if (!info.isFile() || info.size > maxFileBytes) return undefined;
      return { file, path, etag: `"${info.size.toString(36)}-${Math.round(info.mtimeMs).toString(36)}"` };
    } catch {
      return undefined;
    }
  }
}

const htmlHeaders = { ...pageHeaders, 'content-type': types['.html'] as string, 'cache-control': 'no-store' };

/** The decoded path, or undefined when it tries tricks. */
function decodePath(raw: string): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  if (!path.startsWith('/') || path.includes('\\') || path.includes('\0')) return undefined;
  const parts = path.split('/').slice(1);
  if (parts.some((part) => part.startsWith('.'))) return undefined;
  if (parts.slice(0, -1).some((part) => part === '')) return undefined;
  return path === '/' ? index : path;
}

function send(request: HttpRequest, response: HttpResponse, found: Found, bytes: Buffer): void {
  const headers = {
    ...pageHeaders,
    'content-type': types[extname(found.path)] ?? 'application/octet-stream',
    'cache-control': hashed.test(found.path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: found.etag,
  };
  if (request.headers['if-none-match'] === found.etag) respond(request, response, 304, headers, '');
  else respond(request, response, 200, headers, bytes);
}
