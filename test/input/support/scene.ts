import assert from 'node:assert/strict';
import type { Ports, Visitor } from './visitor.ts';
import { signIn } from './visitor.ts';
import { Rest } from './rest.ts';

/**
 * Who else is there: ann and bob, who chat with each other and in a group of theirs (`closed`), and a group of ann's
 * that mallory is in (`own`, of three entries).
 */
export class Scene implements AsyncDisposable {
  readonly ann: Visitor;
  readonly bob: Visitor;
  /** The direct conversation of ann and bob, in which there is one message. */
  readonly direct: string;
  /** The id of the message in `closed`, which is its second entry. */
  readonly closedMsgId: bigint;
  #said = 0;

  private constructor(parts: { ann: Visitor; bob: Visitor; direct: string; closedMsgId: bigint }) {
    this.ann = parts.ann;
    this.bob = parts.bob;
    this.direct = parts.direct;
    this.closedMsgId = parts.closedMsgId;
  }

  static async set(ports: Ports): Promise<Scene> {
    const rest = new Rest(ports.http);
    await rest
      .as('ann')
      .ok('POST', '/api/v1/groups', { group_id: 'closed', name: 'Closed', members: ['bob'] });
    await rest.as('ann').ok('POST', '/api/v1/groups', { group_id: 'own', name: 'Own', members: ['mallory'] });
    const ann = await signIn('grpc', ports, 'ann');
    const bob = await signIn('proto', ports, 'bob');
    const { msgId: closedMsgId } = await say(ann, { convId: 'closed' }, 'among us');
    const { convId: direct } = await say(ann, { to: 'bob' }, 'just you');
    await say(ann, { convId: 'own' }, 'ann was here');
    await rest.as('mallory').ok('POST', '/api/v1/messages/send', { conv_id: 'own', content: 'so was I' });
    return new Scene({ ann, bob, direct, closedMsgId });
  }

  /** Ann and bob still hear each other. */
  async assertUnharmed(): Promise<void> {
    for (const [from, target, hears] of [
      [this.ann, { to: 'bob' }, this.bob],
      [this.bob, { convId: 'closed' }, this.ann],
    ] as const) {
      this.#said += 1;
      const { convId, seq } = await say(from, target, `still here ${this.#said}`);
      const entry = await hears.session.delivered(convId, Number(seq));
      assert.ok(entry.content.case === 'message');
      assert.equal(entry.content.value.content.value, `still here ${this.#said}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ann[Symbol.asyncDispose]();
    await this.bob[Symbol.asyncDispose]();
  }
}

let clientIds = 0;

export function say(
  { session }: Visitor,
  target: { readonly convId: string } | { readonly to: string },
  text: string,
) {
  clientIds += 1;
  const where =
    'to' in target
      ? ({ case: 'to', value: target.to } as const)
      : ({ case: 'convId', value: target.convId } as const);
  const value = {
    target: where,
    clientId: `said ${clientIds}`,
    body: { content: { case: 'text', value: text } },
  } as const;
  return session.asked({ case: 'send', value }, 'sent');
}
