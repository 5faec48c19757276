import { useMemo, useState } from 'preact/hooks';
import { ClusterService } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { AdminApi } from './admin-api.ts';
import { AdminShell } from './admin-shell.tsx';
import { AdminSignIn } from './admin-sign-in.tsx';
import { describeAdmin } from './describe-admin.ts';
import type { TokenHolder } from './token-holder.ts';
import { ChatError } from '../../../../sdk/types.ts';

/** Signs in, and shows the rest to whoever is. */
export function AdminApp({ tokens }: { tokens: TokenHolder }) {
  const [token, setToken] = useState(tokens.token);
  const [problem, setProblem] = useState('');
  const leave = (why: string): void => {
    tokens.letGo();
    setProblem(why);
    setToken('');
  };
  const api = useMemo(
    () => new AdminApi(token, (reason) => leave(describeAdmin(new ChatError(reason, reason)))),
    [token],
  );
  if (token !== '') return <AdminShell api={api} onLeave={() => leave('')} />;
  const signIn = async (typed: string): Promise<void> => {
    try {
      await new AdminApi(typed, () => {}).call(ClusterService.method.listNodes, {});
      tokens.hold(typed);
      setProblem('');
      setToken(typed);
    } catch (error) {
      setProblem(describeAdmin(error));
    }
  };
  return <AdminSignIn problem={problem} onSignIn={signIn} />;
}
