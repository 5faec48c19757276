import { useState } from 'preact/hooks';
import { DeadLetterService } from '../../../../gen/parley/chat/v1/dead_letter_pb.ts';
import { Button } from '../../ui/button.tsx';
import { toast } from '../../ui/toasts.tsx';
import type { AdminApi } from '../app/admin-api.ts';
import { moment } from '../app/amounts.ts';
import { useAnswer } from '../app/use-answer.ts';
import { Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';
import { Sure } from '../ui/sure.tsx';

/** As many as one replay takes. */
const listed = 100;

/** Pushes that were given up. */
export function DeadLetters({ api }: { api: AdminApi }) {
  const letters = useAnswer(
    () => api.call(DeadLetterService.method.listDeadLetters, { limit: listed }),
    'letters',
    5_000,
  );
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<'replay' | 'drop' | undefined>(undefined);
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const act = async (ids: string[]): Promise<void> => {
    if (asked === 'drop') {
      const { dropped } = await api.call(DeadLetterService.method.dropDeadLetters, { ids });
      toast(`${dropped} letters dropped.`);
    } else {
      const answer = await api.call(DeadLetterService.method.replayDeadLetters, { ids }, { long: true });
      const failed = answer.letters.filter(({ delivered }) => !delivered);
      const why = failed[0] === undefined ? '' : ` ${failed.length} failed again: ${failed[0].problem}.`;
      toast(`${answer.letters.length - failed.length} delivered.${why}`);
    }
    setChosen(new Set());
    letters.again();
  };
  return (
    <Shown of={letters}>
      {(answer) => {
        const there = answer.letters.filter(({ id }) => chosen.has(id)).map(({ id }) => id);
        if (answer.letters.length === 0)
          return <p class="admin-note">Nothing was given up: every push arrived, or is still being tried.</p>;
        return (
          <>
            <div class="admin-actions">
              <Button onClick={() => setChosen(new Set(answer.letters.map(({ id }) => id)))}>
                Choose all
              </Button>
              <Button kind="primary" disabled={there.length === 0} onClick={() => setAsked('replay')}>
                Send again ({there.length})
              </Button>
              <Button kind="danger" disabled={there.length === 0} onClick={() => setAsked('drop')}>
                Drop ({there.length})
              </Button>
            </div>
            {answer.more ? <p class="admin-note">The oldest {listed} are shown; there are more.</p> : null}
            <Grid
              caption="Dead letters"
              rows={answer.letters}
              keyOf={({ id }) => id}
              columns={[
                {
                  title: 'Chosen',
                  cell: ({ id }) => (
                    <input
                      type="checkbox"
                      aria-label={`Choose ${id}`}
                      checked={chosen.has(id)}
                      onChange={() => toggle(id)}
                    />
                  ),
                },
                { title: 'Endpoint', cell: ({ endpoint }) => endpoint },
                { title: 'What', cell: ({ type }) => type },
                {
                  title: 'Conversation',
                  cell: ({ convId }) => (
                    <a href={`#/conversations/${encodeURIComponent(convId)}`}>{convId}</a>
                  ),
                },
                { title: 'Happened', cell: ({ occurredAtMs }) => moment(occurredAtMs) },
                { title: 'Given up', cell: ({ failedAtMs }) => moment(failedAtMs) },
                { title: 'Tries', numeric: true, cell: ({ attempts }) => String(attempts) },
                { title: 'Why', cell: ({ reason }) => reason },
              ]}
            />
            {asked === undefined ? null : (
              <Sure
                title={
                  asked === 'drop' ? `Drop ${there.length} letters?` : `Send ${there.length} letters again?`
                }
                text={
                  asked === 'drop'
                    ? 'They are gone for good: nobody will hear of what they tell.'
                    : 'Each is tried once, in the order in which they happened. Those that are accepted are dead no more.'
                }
                action={asked === 'drop' ? 'Drop' : 'Send again'}
                onConfirm={() => act(there)}
                onClose={() => setAsked(undefined)}
              />
            )}
          </>
        );
      }}
    </Shown>
  );
}
