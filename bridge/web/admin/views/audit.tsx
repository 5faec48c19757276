import { useEffect, useState } from 'preact/hooks';
import { type AuditRecord, AuditService } from '../../../../gen/parley/chat/v1/audit_pb.ts';
import { Button } from '../../ui/button.tsx';
import type { AdminApi } from '../app/admin-api.ts';
import { moment } from '../app/amounts.ts';
import { useAnswer } from '../app/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { type Column, Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';

const pageSize = 50;

/** Administrative acts, the newest first. */
export function Audit({ api }: { api: AdminApi }) {
  const [includeIssuedTokens, setIncluded] = useState(false);
  const [pages, setPages] = useState<readonly string[]>(['']);
  useEffect(() => setPages(['']), [includeIssuedTokens]);
  const pageToken = pages.at(-1) ?? '';
  const ask = () =>
    api.call(AuditService.method.listAuditRecords, { pageSize, pageToken, includeIssuedTokens });
  // Older pages do not change.
  const records = useAnswer(ask, `${pageToken} ${includeIssuedTokens}`, pageToken === '' ? 5_000 : 0);
  return (
    <>
      <div class="admin-actions">
        <label>
          <input
            type="checkbox"
            checked={includeIssuedTokens}
            onChange={(event) => setIncluded(event.currentTarget.checked)}
          />{' '}
          Issued tokens, too
        </label>
      </div>
      <Shown of={records}>
        {(answer) => (
          <>
            {answer.records.length === 0 ? (
              <p class="admin-note">Nothing is recorded.</p>
            ) : (
              <Grid caption="Audit log" rows={answer.records} keyOf={({ id }) => id} columns={columns} />
            )}
            <div class="admin-actions admin-pages">
              {pages.length > 1 ? <Button onClick={() => setPages(pages.slice(0, -1))}>Newer</Button> : null}
              {answer.nextPageToken === '' ? null : (
                <Button onClick={() => setPages([...pages, answer.nextPageToken])}>Older</Button>
              )}
            </div>
          </>
        )}
      </Shown>
    </>
  );
}

const columns: readonly Column<AuditRecord>[] = [
  { title: 'When', short: true, cell: ({ atMs }) => moment(atMs) },
  { title: 'Who', short: true, cell: ({ actor }) => actor },
  { title: 'What', short: true, cell: ({ action }) => <strong>{action}</strong> },
  { title: 'Whom', cell: ({ target }) => target },
  { title: 'Result', cell: ({ result, reason }) => <Result result={result} reason={reason} /> },
  { title: 'From', cell: ({ remoteAddress }) => remoteAddress },
  { title: 'Node', cell: ({ nodeId }) => nodeId },
  { title: 'Details', cell: ({ details }) => <Details details={details} /> },
];

/** Long ones open when somebody asks. */
function Details({ details }: { details: Readonly<Record<string, string>> }) {
  const text = Object.entries(details)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
  if (text.length <= 80) return <>{text}</>;
  return (
    <details>
      <summary>{text.slice(0, 60)}…</summary>
      {text}
    </details>
  );
}

function Result({ result, reason }: { result: string; reason: string }) {
  const kind = result === 'done' ? 'good' : result === 'begun' ? 'warn' : 'bad';
  return (
    <>
      <Badge kind={kind}>{result}</Badge> {reason}
    </>
  );
}
