import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';
import { type HttpRequest, type HttpResponse, pathOf, respond } from './http-types.ts';
import { problem, respondProblem } from './problem.ts';
import { notBuiltPage } from './not-built.ts';

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

/** Files that the build named by their content never change. */
const hashed = /^\/assets\/[^/]+-[\w-]{8,}\.\w+$/;

const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
    "connect-src 'self' ws: wss:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; " +
    "frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

/** Serves the built page: GET and HEAD of files inside one directory, and its index for every other page path. */
export class Files {
  readonly #root: string;

  constructor(root: string) {
    this.#root = resolve(root);
  }

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
    const file = await this.#read(path);
    if (file !== undefined) {
      send(request, response, path, file);
      return;
    }
    // A path without a dot in its last part is a place inside the page; anything else is a missing file.
    if (path.slice(path.lastIndexOf('/')).includes('.')) {
      respondProblem(request, response, problem(404, 'notFound', 'no such file'));
      return;
    }
    const index = await this.#read('/index.html');
    if (index !== undefined) send(request, response, '/index.html', index);
    else
      respond(
        request,
        response,
        503,
        { ...pageHeaders, 'content-type': types['.html'] as string },
        notBuiltPage,
      );
  }

  async #read(path: string): Promise<Buffer | undefined> {
    try {
      const root = await realpath(this.#root);
      const file = await realpath(resolve(root, `.${path === '/' ? '/index.html' : path}`));
      if (!file.startsWith(root + sep)) return undefined;
      const info = await stat(file);
      if (!info.isFile() || info.size > maxFileBytes) return undefined;
      return await readFile(file);
    } catch {
      return undefined;
    }
  }
}

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
  return path;
}

function send(request: HttpRequest, response: HttpResponse, path: string, file: Buffer): void {
  const etag = `"${createHash('sha256').update(file).digest('base64url').slice(0, 22)}"`;
  const headers = {
    ...pageHeaders,
    'content-type': types[extname(path === '/' ? '.html' : path)] ?? 'application/octet-stream',
    'cache-control': hashed.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag,
  };
  if (request.headers['if-none-match'] === etag) respond(request, response, 304, headers, '');
  else respond(request, response, 200, headers, file);
}
