import { createServer } from 'node:http';
import { createPool, type Pool, type ResultSetHeader } from 'mysql2/promise';
import { Server } from 'socket.io';

/**
 * A chat server as a Node user would write it first: socket.io, a room for each user and group, one INSERT a message,
 * acknowledged after the insert.
 *
 *   node bench/baselines/socketio-server.ts PORT mysql DATABASE_PORT POOL_SIZE
 *   node bench/baselines/socketio-server.ts PORT none
 */
const [port, storage, databasePort, poolSize] = process.argv.slice(2);
const pool: Pool | undefined =
  storage === 'mysql'
    ? createPool({
        host: '127.0.0.1',
        port: Number(databasePort),
        user: 'root',
        database: 'chat',
        connectionLimit: Number(poolSize ?? 20),
      })
    : undefined;

type Ack = (answer: unknown) => void;
let lastId = 0;

async function save(conversation: string, sender: string, text: string): Promise<number> {
  if (pool === undefined) return ++lastId;
  const [result] = await pool.execute<ResultSetHeader>(
    'INSERT INTO messages (conv, sender, body, ts) VALUES (?, ?, ?, ?)',
    [conversation, sender, text, Date.now()],
  );
  return result.insertId;
}

const direct = (one: string, other: string) => (one < other ? `d:${one}:${other}` : `d:${other}:${one}`);
const why = (error: unknown) => (error instanceof Error ? error.message : String(error));

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false });

io.use((socket, next) => {
  const user: unknown = socket.handshake.auth.user;
  socket.data.user = user;
  next(typeof user === 'string' ? undefined : new Error('no user'));
});

io.on('connection', (socket) => {
  const me: string = socket.data.user;
  void socket.join(`u:${me}`);

  socket.on('private', async ({ to, text }: { to: string; text: string }, ack: Ack) => {
    try {
      const id = await save(direct(me, to), me, text);
      io.to(`u:${to}`).emit('private', { id, from: me, text });
      ack({ ok: true, id });
    } catch (error) {
      ack({ ok: false, error: why(error) });
    }
  });

  socket.on('join', (group: string, ack: Ack) => {
    void socket.join(`g:${group}`);
    ack({ ok: true });
  });

  socket.on('group', async ({ group, text }: { group: string; text: string }, ack: Ack) => {
    try {
      const id = await save(`g:${group}`, me, text);
      socket.to(`g:${group}`).emit('group', { id, group, from: me, text });
      ack({ ok: true, id });
    } catch (error) {
      ack({ ok: false, error: why(error) });
    }
  });

  socket.on('history', async ({ with: other }: { with: string }, ack: Ack) => {
    const [rows] = (await pool?.execute(
      'SELECT id, sender, body, ts FROM messages WHERE conv = ? ORDER BY id DESC LIMIT 50',
      [direct(me, other)],
    )) ?? [[]];
    ack(rows);
  });
});

http.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () => process.stdout.write('ready\n'));
