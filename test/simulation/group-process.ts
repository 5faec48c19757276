import { GroupNode } from '../../services/group/group-node.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../../services/peer/group-frames.ts';
import { LinkAcceptor } from './links.ts';
import { byReference } from './network.ts';
import { Process } from './process.ts';

/** A group node. */
export class GroupProcess extends Process {
  readonly role = 'group';

  protected async compose(): Promise<void> {
    const node = new GroupNode({ log: this.log });
    this.services.push(
      node,
      new LinkAcceptor<GroupDecisionFrame, GroupRequestFrame>({
        process: this,
        codec: byReference(),
        accept: (link) => node.accept(link),
      }),
    );
  }

  protected joined(announced: { update(state: 'ready'): void }): void {
    announced.update('ready');
  }

  protected ended(): void {}
}
