/**
 * All fields that a log line may have, and what each holds, in words of Elasticsearch's types. The names are those of the
 * Elastic Common Schema where it has one, and `parley.…` else; none is the beginning of another, for a field holds values
 * or fields and never both. There is none for what people write.
 */
export const logFields = {
  // ECS, on every line.
  '@timestamp': 'date',
  'log.level': 'keyword',
  message: 'text',
  'ecs.version': 'keyword',
  'service.name': 'keyword',
  'process.pid': 'long',
  // ECS.
  'service.node.name': 'keyword',
  'event.action': 'keyword',
  'event.outcome': 'keyword',
  /** In nanoseconds. */
  'event.duration': 'long',
  'error.type': 'keyword',
  'error.message': 'text',
  'error.code': 'keyword',
  'error.stack_trace': 'text',
  'trace.id': 'keyword',
  'span.id': 'keyword',
  'client.address': 'keyword',
  'user.id': 'keyword',
  'server.address': 'keyword',
  'server.port': 'long',
  'http.response.status_code': 'long',
  'file.path': 'keyword',
  // Our own: the ports of a process that is ready.
  'parley.http': 'long',
  'parley.ws': 'long',
  'parley.grpc': 'long',
  'parley.node': 'long',
  'parley.link': 'long',
  'parley.metrics': 'long',
  // Whom and what a line is about.
  'parley.role': 'keyword',
  'parley.peer.node': 'keyword',
  'parley.peer.address': 'keyword',
  'parley.bridge.id': 'keyword',
  'parley.conv_id': 'keyword',
  'parley.msg_id': 'keyword',
  'parley.lost_msg_id': 'keyword',
  'parley.page': 'long',
  'parley.session': 'long',
  'parley.door_session': 'long',
  'parley.transport': 'keyword',
  'parley.rpc': 'keyword',
  'parley.command': 'keyword',
  'parley.reason': 'keyword',
  'parley.store.epoch': 'keyword',
  'parley.store.epoch_before': 'keyword',
  'parley.store.mariadb': 'boolean',
  'parley.store.galera': 'boolean',
  'parley.store.binlog': 'boolean',
  'parley.tls': 'boolean',
  'parley.group': 'keyword',
  'parley.endpoint': 'keyword',
  'parley.webhook': 'keyword',
  'parley.provider': 'keyword',
  'parley.push.notice': 'keyword',
  'parley.push.provider': 'keyword',
  'parley.certificate': 'keyword',
  // Of an act of an administrator.
  'parley.audit.id': 'keyword',
  'parley.audit.actor': 'keyword',
  'parley.audit.action': 'keyword',
  'parley.audit.target': 'keyword',
  'parley.audit.result': 'keyword',
  'parley.audit.reason': 'keyword',
  // How many.
  'parley.attempts': 'long',
  'parley.batches': 'long',
  'parley.bytes': 'long',
  'parley.count': 'long',
  'parley.events': 'long',
  /** Lines of the same kind that were not written since the last one: see log-ration.ts. */
  'parley.left_out': 'long',
  'parley.rows': 'long',
  'parley.unacked_bytes': 'long',
  'parley.wait_ms': 'long',
} as const satisfies Readonly<Record<string, 'date' | 'keyword' | 'text' | 'long' | 'boolean'>>;

type Kinds = typeof logFields;
interface ValueOf {
  date: string;
  /** Message ids are past what JSON's numbers hold: they are written as text. */
  keyword: string | bigint;
  text: string;
  long: number;
  boolean: boolean;
}

/** What a line tells besides its message. */
export type LogFields = { readonly [Name in keyof Kinds]?: ValueOf[Kinds[Name]] | undefined } & {
  /** What happened, lower-case words with dashes: `session-closed`. */
  readonly 'event.action'?: string;
};
