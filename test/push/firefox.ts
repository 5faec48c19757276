import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { Child } from '../engines/child.ts';

/** It asks nobody on the network for anything of its own accord. */
const quiet = {
  // Those of the automation switch push off.
  'remote.prefs.recommended': false,
  'app.normandy.enabled': false,
  'browser.region.network.url': '',
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#none/v1',
  'toolkit.telemetry.server': '',
};

const remoteLine = /WebDriver BiDi listening on (ws:\/\/\S+)/;

/** A real Firefox without a window, from Debian's package firefox-esr, that is spoken to by WebDriver BiDi. */
export class Firefox implements AsyncDisposable {
  readonly #child: Child;
  readonly #profile: string;
  readonly #remote: WebSocket;
  readonly #answers = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #asked = 0;

  private constructor(child: Child, profile: string, remote: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#remote = remote;
    remote.on('error', () => {}).on('message', (text) => this.#hear(String(text)));
  }

  static async start(preferences: Readonly<Record<string, string | boolean>>): Promise<Firefox> {
    const profile = await mkdtemp(join(tmpdir(), 'parley-firefox-'));
    const lines = Object.entries({ ...quiet, ...preferences }).map(
      ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`,
    );
    await writeFile(join(profile, 'user.js'), lines.join(''));
    const child = await Child.start({
      command: 'firefox-esr',
      args: [
        '--headless',
        '--no-remote',
        '--profile',
        profile,
        '--remote-debugging-port',
        '0',
        'about:blank',
      ],
      // Some sandboxes of machines leave no room for its own.
      env: { HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: '1' },
      readyWhen: remoteLine,
      readyWithinMs: 120_000,
    });
    const [, address = ''] = remoteLine.exec(child.output) ?? [];
    const remote = new WebSocket(`${address}/session`);
    await once(remote, 'open');
    const firefox = new Firefox(child, profile, remote);
    await firefox.ask('session.new', { capabilities: {} });
    return firefox;
  }

  /** Lets a page show notifications, as if somebody had said yes. */
  async allowNotifications(origin: string): Promise<void> {
    const descriptor = { name: 'notifications' };
    await this.ask('permissions.setPermission', { descriptor, state: 'granted', origin });
  }

  async show(url: string): Promise<void> {
    const { contexts } = await this.ask('browsingContext.getTree', {});
    const [{ context } = { context: '' }] = contexts as { readonly context: string }[];
    await this.ask('browsingContext.navigate', { context, url, wait: 'interactive' });
  }

  /** A command of WebDriver BiDi; rejects with the browser's words. */
  ask(method: string, params: object): Promise<Record<string, unknown>> {
    const id = ++this.#asked;
    const answer = Promise.withResolvers<Record<string, unknown>>();
    this.#answers.set(id, answer);
    this.#remote.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#remote.terminate();
    await this.#child[Symbol.asyncDispose]();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  #hear(text: string): void {
    const { id, result, error, message } = JSON.parse(text) as Record<string, unknown>;
    const answer = this.#answers.get(Number(id));
    this.#answers.delete(Number(id));
    if (error === undefined) answer?.resolve(result as Record<string, unknown>);
    else answer?.reject(new Error(`${String(error)}: ${String(message)}`));
  }
}
