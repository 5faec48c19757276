import { create } from '@bufbuild/protobuf';
import { useMemo } from 'preact/hooks';
import { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import { useClient } from '../app/client.ts';
import { describeReason } from '../app/problem.ts';
import { Button } from '../ui/button.tsx';
import { Bubble } from './bubble.tsx';
import type { PendingRow as Row } from './rows.ts';

/** A message on its way, or one that was refused. */
export function PendingRow({ row }: { row: Row }) {
  const { send, first, last } = row;
  const client = useClient();
  const body = useMemo(
    () => create(MessageBodySchema, { content: { case: 'text', value: send.text } }),
    [send.text],
  );
  const failed = send.status === 'failed';
  return (
    <>
      <article
        class={`message message-own ${first ? 'message-first' : ''} ${last ? 'message-last' : ''} ${
          failed ? 'message-failed' : ''
        }`}
        tabIndex={-1}
        data-message
        data-status={send.status}
        aria-label="You"
      >
        <Bubble content={{ t: 'message', body }} own sender="" atMs={send.createdAtMs} status={send.status} />
      </article>
      {failed ? (
        <div class="message-problem" role="alert">
          <span>Not sent. {describeReason(send.problem)}</span>
          <span class="message-choices">
            <Button onClick={() => client.retry(send.clientId)}>Retry</Button>
            <Button onClick={() => client.discard(send.clientId)}>Discard</Button>
          </span>
        </div>
      ) : null}
    </>
  );
}
