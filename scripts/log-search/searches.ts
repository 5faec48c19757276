/** A question that people ask of the logs. Queries are Lucene's: Kibana, OpenSearch Dashboards and `query_string` take them. */
export interface LogSearch {
  /** Names it for ever. */
  readonly id: string;
  readonly title: string;
  /** What it shows, and what to think of it. */
  readonly doc: string;
  readonly query: string;
  /** Fields that are shown beside the time. */
  readonly columns: readonly string[];
}

const node = 'service.node.name';

export const searches: readonly LogSearch[] = [
  {
    id: 'refused-sends',
    title: 'Sends that were refused',
    doc: 'And why. Those of sampled commands alone: chat_sends_total counts all.',
    query:
      'event.action:"command-refused" AND parley.command:("send" OR "parley.chat.v1.MessageService/Send" OR "parley.chat.v1.MessageService/SendBatch")',
    columns: [node, 'parley.command', 'parley.reason', 'event.duration', 'trace.id'],
  },
  {
    id: 'refused-commands',
    title: 'Commands and calls that were refused',
    doc: 'All kinds, of sampled ones.',
    query: 'event.action:"command-refused"',
    columns: [node, 'parley.command', 'parley.reason', 'event.duration', 'trace.id'],
  },
  {
    id: 'slow-commands',
    title: 'Commands that took long',
    doc: 'Longer than PARLEY_TRACE_SLOW_MS, of sampled ones. The trace says where the time went.',
    query: 'event.action:"command-slow"',
    columns: [node, 'parley.command', 'event.duration', 'trace.id'],
  },
  {
    id: 'slow-consumers',
    title: 'Slow consumers',
    doc: 'Sessions whose pushes are held back, or that were closed since they read nothing.',
    query: 'event.action:("slow-consumer" OR "slow-consumer-closed")',
    columns: [node, 'event.action', 'user.id', 'parley.session', 'parley.transport', 'parley.unacked_bytes'],
  },
  {
    id: 'refused-sign-ins',
    title: 'Sign-ins and callers that were refused',
    doc: 'Why, and from where. In a flood some of them; parley.left_out says how many there were besides.',
    query: 'event.action:"sign-in-refused"',
    columns: [node, 'parley.reason', 'client.address', 'parley.transport', 'parley.rpc', 'parley.left_out'],
  },
  {
    id: 'lost-fences',
    title: 'Fences lost',
    doc: 'Two nodes took themselves for the owner of a conversation; the store decided. Some while nodes come and go are usual.',
    query: 'event.action:"fence-lost"',
    columns: [node, 'parley.conv_id', 'parley.left_out'],
  },
  {
    id: 'dead-letters',
    title: 'Dead letters',
    doc: 'Webhooks and pushes that were given up; parley dead-letters sends them again.',
    query: 'event.action:("webhook-dead-letter" OR "push-dead-letter")',
    columns: [node, 'parley.endpoint', 'parley.push.provider', 'parley.attempts', 'parley.reason'],
  },
  {
    id: 'trace',
    title: 'What the log says of a trace',
    doc: 'Add AND trace.id:"…" for a single one: of all nodes, in order.',
    query: '_exists_:trace.id',
    columns: ['trace.id', node, 'event.action', 'parley.command', 'parley.reason', 'event.duration'],
  },
  {
    id: 'administrative-acts',
    title: 'Administrative acts',
    doc: 'Who did what, and what came of it. What the audit log has, for those who read logs.',
    query: 'event.action:"administrative-act"',
    columns: [
      node,
      'parley.audit.actor',
      'parley.audit.action',
      'parley.audit.target',
      'parley.audit.result',
      'client.address',
    ],
  },
  {
    id: 'failures',
    title: 'Errors and failures',
    doc: 'Errors, and warnings of something that failed.',
    query: 'log.level:("error" OR "fatal") OR (log.level:"warn" AND _exists_:error.message)',
    columns: [node, 'log.level', 'event.action', 'message', 'error.type', 'error.message'],
  },
  {
    id: 'starts-and-stops',
    title: 'Starts and stops of nodes',
    doc: 'One that is ready and was not told to stop before has died in between.',
    query: 'event.action:("ready" OR "stopping" OR "stopped" OR "node-superseded")',
    columns: [node, 'event.action', 'process.pid'],
  },
  {
    id: 'lost-nodes',
    title: 'Nodes and engines that were lost',
    doc: 'Links and streams that broke, nodes that hung, a directory or a store out of reach.',
    query:
      'event.action:("link-lost" OR "upstream-lost" OR "node-stalled" OR "directory-unavailable" OR "relay-failed" OR "lease-failed")',
    columns: [node, 'event.action', 'parley.peer.address', 'parley.reason', 'error.message'],
  },
];
