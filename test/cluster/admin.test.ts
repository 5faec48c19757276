import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { WebSocket } from 'ws';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { AuditService } from '../../gen/parley/chat/v1/audit_pb.ts';
import { ClusterService } from '../../gen/parley/chat/v1/cluster_pb.ts';
import { DeadLetterService } from '../../gen/parley/chat/v1/dead_letter_pb.ts';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { directConvId } from '../../services/core/conv-id.ts';
import type { UserId } from '../../services/core/ids.ts';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { doctorCommand } from '../../services/cli/doctor-command.ts';
import { runCli } from '../../services/cli/run-cli.ts';
import { adminCommand } from '../../services/cli/admin-command.ts';
import { launchChromium } from '../../bridge/web/preview/testing.ts';
import { AdminPage } from '../e2e/support/admin-page.ts';
import { until } from '../e2e/support/until.ts';
import { Cluster } from './support/cluster.ts';
import { serviceTokenOf, userToken } from './support/tokens.ts';

/** What administrators see and do in a cluster of processes, by any of its edges. */

let cluster: Cluster;
let ops: string;

before(async () => {
  cluster = await Cluster.start({
    roles: {
      m1: 'message',
      m2: 'message',
      g1: 'group',
      e1: 'bridge,connection',
      e2: 'bridge,connection',
    },
    env: { PARLEY_SESSION_TTL_MS: '3000' },
  });
  ops = await serviceTokenOf('ops', ['admin', 'tokens', 'act']);
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

const everything = ['e1', 'e2', 'g1', 'm1', 'm2'];

function at<Service extends DescService>(service: Service, edge = 'e1', bearer = ops) {
  const transport = createConnectTransport({
    baseUrl: `http://127.0.0.1:${cluster.get(edge).ports.http}`,
    httpVersion: '1.1',
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${bearer}`);
        return next(request);
      },
    ],
  });
  return createClient(service, transport);
}

const refusedAs = (code: Code, words: RegExp) => (error: unknown) => {
  const refusal = ConnectError.from(error);
  assert.equal(refusal.code, code, refusal.message);
  assert.match(refusal.message, words);
  return true;
};

/** Signs a user in; resolves with how the server closed the session. */
async function kickedFrom(edge: string, userId: string): Promise<string> {
  const url = `ws://127.0.0.1:${cluster.get(edge).ports.http}/ws`;
  const socket = new WebSocket(url, ['parley.v1.json', `bearer.${await userToken(userId)}`]);
  const hello = { deviceId: 'phone', protocolVersion: 1 };
  socket.on('open', () => socket.send(JSON.stringify({ commands: [{ id: 1, hello }] })));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
  });
}

/** The newest record of an action with a target. */
async function recorded(action: string, target: string, edge = 'e1') {
  const { records } = await at(AuditService, edge).listAuditRecords({ includeIssuedTokens: true });
  return records.find((record) => record.action === action && record.target === target);
}

async function endOf(action: string, target: string) {
  let record = await recorded(action, target);
  await until(
    async () => {
      record = await recorded(action, target);
      return record !== undefined && record.result !== 'begun';
    },
    () => `${action} of ${target} is ${record?.result}`,
  );
  return record;
}

/** The nodes, once each of them has taken up its roles. */
async function allReady(edge: string) {
  const ask = () => at(ClusterService, edge).listNodes({});
  let listed = await ask();
  const states = () => listed.nodes.flatMap(({ id, leases }) => leases.map(({ state }) => `${id} ${state}`));
  await until(
    async () => {
      listed = await ask();
      return states().every((state) => state.endsWith(' ready'));
    },
    () => states().join(', '),
  );
  return listed;
}

describe('an administrator of a cluster', () => {
  test('sees every node, what it does, and by whom it is linked, by either edge', async () => {
    for (const edge of ['e1', 'e2']) {
      const { nodes, directoryAvailable } = await allReady(edge);
      assert.equal(directoryAvailable, true);
      assert.deepEqual(
        nodes.map(({ id, problem }) => [id, problem]),
        everything.map((id) => [id, '']),
      );
      const byId = new Map(nodes.map((node) => [node.id, node]));
      for (const { id, figures, leases, clockSkewMs, roundTripMs } of nodes) {
        assert.ok(figures !== undefined);
        assert.equal(figures.nodeId, id);
        assert.equal(figures.mode, 'development');
        assert.ok(figures.nowMs >= figures.startedAtMs && figures.residentBytes > 1_000_000n);
        assert.equal(figures.directoryAvailable, true);
        assert.ok(leases.every(({ state, incarnation }) => state === 'ready' && incarnation > 0n));
        assert.ok(Math.abs(clockSkewMs) <= roundTripMs + 2, `the same machine, ${clockSkewMs} ms apart`);
      }
      assert.deepEqual(byId.get('m1')?.figures?.owners, ['m1', 'm2']);
      assert.deepEqual([...(byId.get('e1')?.figures?.owners ?? [])].sort(), ['m1', 'm2']);
      assert.deepEqual(
        byId.get('e1')?.figures?.links.map(({ kind, nodeId }) => `${kind} ${nodeId}`),
        ['owner m1', 'owner m2'],
      );
      assert.ok(byId.get('m1')?.figures?.message?.storeAccepting);
      assert.equal(byId.get('g1')?.figures?.message, undefined);
    }
  });

  test('finds the owner of a conversation, and hot ones, whichever node has them', async () => {
    await Promise.all(
      Array.from({ length: 12 }, async (_, no) => {
        for (let times = 0; times < 3; times += 1)
          await cluster.send('e1', `hot ${no}`, { to: `hot ${no}` }, 'again');
      }),
    );
    const conversations = Array.from({ length: 12 }, (_, no) =>
      directConvId(`hot ${no}` as UserId, `hot ${no}` as UserId),
    );
    const owners = new Set<string>();
    for (const convId of conversations) {
      const { owner, holds, unreachable } = await at(ClusterService, 'e2').locateConversation({ convId });
      assert.equal(owner, rendezvous(convId, [{ nodeId: 'm1' }, { nodeId: 'm2' }])?.nodeId);
      assert.deepEqual(
        holds.map(({ nodeId, headSeq, kind, members }) => [nodeId, headSeq, kind, members]),
        [[owner, 3n, 'direct', 1]],
      );
      assert.deepEqual(unreachable, []);
      owners.add(owner);
    }
    assert.deepEqual([...owners].sort(), ['m1', 'm2']);
    const { conversations: hot } = await at(ClusterService).listHotConversations({ limit: 100 });
    for (const convId of conversations)
      assert.ok(hot.some((each) => each.convId === convId && each.perSecond > 0));
    assert.equal((await at(ClusterService).listHotConversations({ limit: 2 })).conversations.length, 2);
    assert.deepEqual((await at(ClusterService).locateConversation({ convId: 'nobody ever' })).holds, []);
  });

  test('ends the sessions of a user on the other edge, and it is recorded', async () => {
    const closed = kickedFrom('e2', 'ann');
    await until(
      async () => (await at(AdminService).listSessions({ userId: 'ann' })).sessions.length === 1,
      () => 'the session of ann is not known',
    );
    const { ended, unreachable } = await at(AdminService, 'e1').endSessions({ userId: 'ann' });
    assert.deepEqual([ended, unreachable], [1, []]);
    assert.equal(await closed, '4503 sessionEnded');
    const record = await endOf('sessions.end', 'ann');
    assert.equal(record?.actor, 'ops');
    assert.equal(record?.result, 'done');
    assert.equal(record?.nodeId, 'e1');
    assert.equal(record?.remoteAddress, '127.0.0.1');
    assert.equal((await at(AdminService).endSessions({ userId: 'ann', deviceId: 'another' })).ended, 0);
  });

  test('has issued and revoked tokens recorded, tokens apart from all else and never shown', async () => {
    const { token } = await at(AdminService).issueToken({ userId: 'guest' });
    await at(AdminService).revokeTokens({ userId: 'guest', deviceId: 'phone' });
    assert.equal((await recorded('token.issue', 'guest', 'e2'))?.result, 'done');
    const revoked = await endOf('tokens.revoke', 'guest');
    assert.deepEqual(revoked?.details, { device: 'phone' });
    const { records } = await at(AuditService).listAuditRecords({});
    assert.ok(records.every(({ action }) => action !== 'token.issue'));
    assert.ok(
      !JSON.stringify(records, (_, value) => (typeof value === 'bigint' ? `${value}` : value)).includes(
        token,
      ),
    );
    const started = records.filter(({ action }) => action === 'node.start').map(({ actor }) => actor);
    assert.deepEqual(
      [...new Set(started)].sort(),
      everything.map((id) => `node:${id}`),
    );
  });

  test('puts a member out of a group, but not its owner, and reads who is in it', async () => {
    const groups = at(GroupService, 'e1', await userToken('olga'));
    const { group } = await groups.createGroup({
      groupId: 'crew',
      name: 'Crew',
      members: ['max', 'mia'],
      clientId: 'crew',
    });
    assert.equal(group?.memberCount, 3);
    const crew = await at(AdminService, 'e2').describeGroup({ groupId: 'crew', pageSize: 2 });
    assert.deepEqual(
      crew.members.map(({ userId, role }) => [userId, role]),
      [
        ['max', 'member'],
        ['mia', 'member'],
      ],
    );
    const rest = await at(AdminService).describeGroup({ groupId: 'crew', pageToken: crew.nextPageToken });
    assert.deepEqual(
      rest.members.map(({ userId }) => userId),
      ['olga'],
    );
    const expel = { groupId: 'crew', userId: 'max', clientId: 'out' };
    const { seq } = await at(AdminService).expelMember(expel);
    assert.equal((await at(AdminService, 'e2').expelMember(expel)).seq, seq);
    await assert.rejects(
      at(AdminService).expelMember({ ...expel, userId: 'olga', clientId: 'out too' }),
      refusedAs(Code.FailedPrecondition, /owner/),
    );
    assert.equal((await at(AdminService).describeGroup({ groupId: 'crew' })).memberCount, 2);
    const refused = await endOf('group.expel', 'crew');
    assert.deepEqual([refused?.result, refused?.reason], ['refused', 'ownerMustHandOver']);
    await assert.rejects(
      at(AdminService).describeGroup({ groupId: 'none' }),
      refusedAs(Code.NotFound, /group/),
    );
  });

  test('sees the worker leases of the store', async () => {
    const { leases } = await at(ClusterService).listWorkerLeases({});
    assert.equal(leases.filter(({ held }) => held).length, 2);
  });

  test('hears that nobody keeps dead letters where no push node is', async () => {
    await assert.rejects(
      at(DeadLetterService).listDeadLetters({}),
      refusedAs(Code.Unavailable, /no push node/),
    );
  });

  test('is nobody without the scope: every call refuses users and other services, by Connect and by gRPC', async () => {
    const strangers = [
      await userToken('mallory'),
      await serviceTokenOf('billing', ['send', 'act', 'groups', 'ids', 'import']),
    ];
    const adminOnly: readonly string[] = ['listSessions', 'endSessions', 'describeGroup', 'expelMember'];
    let calls = 0;
    for (const bearer of strangers)
      for (const service of [AdminService, ClusterService, DeadLetterService, AuditService] as DescService[])
        for (const method of service.methods) {
          if (service === AdminService && !adminOnly.includes(method.localName)) continue;
          const header = { authorization: `Bearer ${bearer}` };
          for (const transport of [
            createConnectTransport({
              baseUrl: `http://127.0.0.1:${cluster.get('e2').ports.http}`,
              httpVersion: '1.1',
            }),
            createGrpcTransport({ baseUrl: `http://127.0.0.1:${cluster.get('e2').ports.grpc}` }),
          ]) {
            await assert.rejects(
              transport.unary(method as never, undefined, 5_000, header, {}),
              (error: unknown) => {
                const { code } = ConnectError.from(error);
                // Who has failed often has to wait, whatever the token.
                assert.ok(
                  code === Code.PermissionDenied || code === Code.ResourceExhausted,
                  `${method.name}: ${code}`,
                );
                return true;
              },
            );
            calls += 1;
          }
        }
    assert.equal(calls, 2 * 2 * 13);
    // A token that was found good before is not locked out by others at the same address.
    await at(ClusterService, 'e2').listNodes({});
  });
});

describe('when a node hangs', () => {
  test('it is shown as such, and the others are shown all the same; the doctor says so, too', async () => {
    const m2 = cluster.get('m2');
    await using browser = await launchChromium();
    await using page = await AdminPage.open(browser, `http://127.0.0.1:${cluster.get('e1').ports.http}`);
    await page.signIn(ops);
    await page.see('Nodes');
    await page.row('Nodes', 'm2', 'ready').waitFor();
    m2.freeze();
    try {
      await until(
        async () => {
          const { nodes } = await at(ClusterService).listNodes({});
          const hung = nodes.find(({ id }) => id === 'm2');
          assert.deepEqual(
            nodes.filter(({ id, problem }) => id !== 'm2' && problem !== ''),
            [],
          );
          return hung === undefined || /no answer within 2000 ms/.test(hung.problem);
        },
        () => 'the node that hangs is not told',
      );
      // While it holds its lease the page tells that it hangs; after that it is no node any more.
      await page.row('Nodes', 'm2', 'ready').waitFor({ state: 'detached' });
      await page.see('Overview');
      await page.page
        .getByRole('alert')
        .getByText(/m2 does not answer|Only one message node is ready/)
        .first()
        .waitFor();
      assert.deepEqual(page.complaints, []);
      // Acts go on: another message node writes the audit log.
      await until(
        async () => {
          const answer = await at(AdminService)
            .endSessions({ userId: 'nobody' })
            .catch(() => undefined);
          return answer !== undefined;
        },
        () => 'no act is carried out',
      );
    } finally {
      m2.thaw();
    }
  });

  test('the terminal shows the same: tables, JSON, and what is wrong in words', async () => {
    const env = {
      ...cluster.env,
      PARLEY_ADMIN_SERVER: `http://127.0.0.1:${cluster.get('e2').ports.http}`,
      PARLEY_ADMIN_TOKEN: ops,
    };
    const run = async (...argv: string[]) => {
      let [out, note] = ['', ''];
      const io = {
        out: (text: string) => void (out += text),
        note: (text: string) => void (note += text),
      };
      const status = await runCli(argv, [adminCommand(env), doctorCommand(env)], io);
      return { status, out, note };
    };
    await until(
      async () => /All 5 nodes answer: e1, e2, g1, m1, m2/.test((await run('doctor')).out),
      () => 'the cluster does not become well',
    );
    const well = await run('doctor', '--json');
    assert.equal(well.status, 0, well.out);
    const { findings } = JSON.parse(well.out) as { findings: { part: string; found: string }[] };
    assert.ok(
      findings.some(({ part, found }) => part === 'database' && /on the disk/.test(found)),
      well.out,
    );
    const nodes = await run('admin', 'nodes');
    assert.equal(nodes.status, 0, nodes.note);
    assert.deepEqual(
      nodes.out
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/)[0]),
      ['NODE', ...everything],
    );
    const json = await run('admin', 'nodes', '--json');
    assert.equal((JSON.parse(json.out) as { nodes: unknown[] }).nodes.length, 5);
    for (const verb of [
      ['queues'],
      ['leases'],
      ['hot'],
      ['slow'],
      ['audit'],
      ['sessions', 'ann'],
      ['group', 'crew'],
    ])
      assert.equal((await run('admin', ...verb)).status, 0, verb.join(' '));
    assert.match((await run('admin', 'owner', 'crew')).out, /owned by m[12]/);

    await cluster.get('m1').kill();
    // Where everything is slow, a look may find no Redis.
    let ill = { status: 0, out: '' };
    await until(
      async () => {
        ill = await run('doctor', '--quiet');
        return /ERROR.*m1 holds a lease and does not answer|WARNING.*Only one message node is ready/.test(
          ill.out,
        );
      },
      () => ill.out,
    );
    assert.equal(ill.status, 1);
    await cluster.get('m2').kill();
    await until(
      async () => /No message node is ready/.test((await run('doctor', '--quiet')).out),
      () => 'the doctor does not miss message nodes',
    );
    // Nobody can record an act: then none is carried out.
    await assert.rejects(
      at(AdminService, 'e2').revokeTokens({ userId: 'ann' }),
      refusedAs(Code.Unavailable, /audit log can not be written: nothing was carried out/),
    );
  });
});
