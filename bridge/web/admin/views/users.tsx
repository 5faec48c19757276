import { useState } from 'preact/hooks';
import { AdminService } from '../../../../gen/parley/chat/v1/admin_pb.ts';
import { Button } from '../../ui/button.tsx';
import { toast } from '../../ui/toasts.tsx';
import type { AdminApi } from '../app/admin-api.ts';
import { moment } from '../app/amounts.ts';
import { type Answered, useAnswer } from '../app/use-answer.ts';
import { useNamed } from '../app/use-named.ts';
import { Ask } from '../ui/ask.tsx';
import { Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';
import { Sure } from '../ui/sure.tsx';

/** Who is connected, and how to end that. */
export function Users({ api }: { api: AdminApi }) {
  const userId = useNamed();
  return (
    <>
      <Ask
        key={userId}
        label="User"
        placeholder="for example ann"
        action="Look up"
        initial={userId}
        onAsk={(named) => {
          location.hash = `#/users/${encodeURIComponent(named)}`;
        }}
      />
      {userId === '' ? (
        <p class="admin-note">Type the id of a user to see where they are connected.</p>
      ) : (
        <Sessions key={`sessions ${userId}`} api={api} userId={userId} />
      )}
    </>
  );
}

type Asked = { readonly t: 'end'; readonly deviceId: string } | { readonly t: 'revoke' };

function Sessions({ api, userId }: { api: AdminApi; userId: string }) {
  const sessions = useAnswer(() => api.call(AdminService.method.listSessions, { userId }), userId, 2_000);
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  return (
    <section class="admin-section">
      <h2>Sessions of {userId}</h2>
      <div class="admin-actions">
        <Button onClick={() => setAsked({ t: 'end', deviceId: '' })}>End all sessions</Button>
        <Button kind="danger" onClick={() => setAsked({ t: 'revoke' })}>
          Revoke tokens
        </Button>
      </div>
      <Shown of={sessions}>
        {(answer) =>
          answer.sessions.length === 0 ? (
            <p class="admin-note">{userId} has no session now.</p>
          ) : (
            <Grid
              caption={`Sessions of ${userId}`}
              rows={answer.sessions}
              keyOf={({ nodeId, session }) => `${nodeId} ${session}`}
              columns={[
                { title: 'Device', cell: ({ deviceId }) => deviceId },
                { title: 'Node', cell: ({ nodeId }) => nodeId },
                { title: 'Session', numeric: true, cell: ({ session }) => String(session) },
                { title: 'Since', cell: ({ sinceMs }) => moment(sinceMs) },
                {
                  title: '',
                  numeric: true,
                  cell: ({ deviceId }) => (
                    <Button
                      aria-label={`End the session of ${deviceId}`}
                      onClick={() => setAsked({ t: 'end', deviceId })}
                    >
                      End
                    </Button>
                  ),
                },
              ]}
            />
          )
        }
      </Shown>
      {asked === undefined ? null : (
        <AskFirst
          api={api}
          userId={userId}
          asked={asked}
          sessions={sessions}
          onClose={() => setAsked(undefined)}
        />
      )}
    </section>
  );
}

interface AskFirstProps {
  api: AdminApi;
  userId: string;
  asked: Asked;
  sessions: Pick<Answered<unknown>, 'again'>;
  onClose: () => void;
}

function AskFirst({ api, userId, asked, sessions, onClose }: AskFirstProps) {
  if (asked.t === 'revoke')
    return (
      <Sure
        title={`Revoke the tokens of ${userId}?`}
        text="All tokens that this user was issued so far are refused from now on, and all sessions end. It can not be undone; a new token is good."
        action="Revoke"
        onConfirm={async () => {
          await api.call(AdminService.method.revokeTokens, { userId });
          toast(`The tokens of ${userId} are revoked.`);
          sessions.again();
        }}
        onClose={onClose}
      />
    );
  const { deviceId } = asked;
  return (
    <Sure
      title={deviceId === '' ? `End all sessions of ${userId}?` : `End the session of ${deviceId}?`}
      text="The client may connect again at once; to keep it out, revoke its tokens."
      action="End"
      onConfirm={async () => {
        const { ended, unreachable } = await api.call(AdminService.method.endSessions, { userId, deviceId });
        toast(
          unreachable.length === 0
            ? `${ended} sessions ended.`
            : `${ended} sessions ended; not reached: ${unreachable.join(', ')}.`,
        );
        sessions.again();
      }}
      onClose={onClose}
    />
  );
}
