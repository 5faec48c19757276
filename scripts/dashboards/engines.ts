import { type DashboardSpec, perSecond } from './spec.ts';

export const engines: DashboardSpec = {
  uid: 'parley-engines',
  title: 'Parley: engines and gateway',
  doc: 'MariaDB, Redis, Kafka and nginx, as their exporters tell.',
  rows: [
    {
      title: 'MariaDB',
      panels: [
        {
          title: 'Queries',
          doc: 'Statements each second, by database node.',
          unit: 'ops',
          queries: [[perSecond('mysql_global_status_queries', 'instance'), '{{instance}}']],
        },
        {
          title: 'Rows written',
          doc: 'Inserted, changed and deleted.',
          unit: 'wps',
          queries: [
            [
              perSecond('mysql_global_status_handlers_total{handler=~"write|update|delete"}', 'handler'),
              '{{handler}}',
            ],
          ],
        },
        {
          title: 'Log written',
          doc: 'Each commit waits until its part is on the disk; commits at once share that.',
          unit: 'Bps',
          queries: [[perSecond('mysql_global_status_innodb_os_log_written', 'instance'), '{{instance}}']],
        },
        {
          title: 'Connections',
          doc: 'Open, and how many there may be.',
          unit: 'short',
          queries: [
            ['mysql_global_status_threads_connected', '{{instance}}'],
            ['mysql_global_variables_max_connections', '{{instance}}, most'],
          ],
        },
        {
          title: 'Buffer pool',
          doc: 'Share of reads that found their page in memory.',
          unit: 'percentunit',
          max: 1,
          queries: [
            [
              `1 - ${perSecond('mysql_global_status_innodb_buffer_pool_reads', 'instance')} / ${perSecond('mysql_global_status_innodb_buffer_pool_read_requests', 'instance')}`,
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Answers',
          doc: '0: the database does not answer its exporter.',
          unit: 'none',
          max: 1,
          queries: [['mysql_up', '{{instance}}']],
        },
      ],
    },
    {
      title: 'Redis',
      panels: [
        {
          title: 'Commands',
          doc: 'Each second.',
          unit: 'ops',
          queries: [[perSecond('redis_commands_processed_total', 'instance'), '{{instance}}']],
        },
        {
          title: 'Memory',
          doc: 'Give it a limit, and the policy volatile-lru.',
          unit: 'bytes',
          queries: [['redis_memory_used_bytes', '{{instance}}']],
        },
        {
          title: 'Keys',
          doc: 'Nodes, sessions, revocations and pages of history.',
          unit: 'short',
          queries: [['sum by (instance) (redis_db_keys)', '{{instance}}']],
        },
      ],
    },
    {
      title: 'Kafka',
      panels: [
        {
          title: 'Messages',
          doc: 'Taken each second, by topic.',
          unit: 'ops',
          queries: [[perSecond('kafka_topic_messagesin_total', 'topic'), '{{topic}}']],
        },
        {
          title: 'Bytes',
          doc: 'In and out of all topics.',
          unit: 'Bps',
          queries: [
            [perSecond('kafka_topic_bytesin_total'), 'in'],
            [perSecond('kafka_topic_bytesout_total'), 'out'],
          ],
        },
        {
          title: 'Partitions',
          doc: 'All, those that lack copies, and those that nobody leads.',
          unit: 'none',
          queries: [
            ['sum(kafka_broker_partitioncount)', 'all'],
            ['sum(kafka_broker_underreplicatedpartitions)', 'lack copies'],
            ['sum(kafka_controller_offlinepartitionscount)', 'offline'],
          ],
        },
      ],
    },
    {
      title: 'Gateway',
      panels: [
        {
          title: 'Connections',
          doc: 'Open at nginx: WebSockets and gRPC sessions stay.',
          unit: 'short',
          queries: [['sum by (instance) (nginx_connections_active)', '{{instance}}']],
        },
        {
          title: 'Requests',
          doc: 'Each second.',
          unit: 'reqps',
          queries: [[perSecond('nginx_http_requests_total', 'instance'), '{{instance}}']],
        },
        {
          title: 'Certificates end in',
          doc: 'Those of nodes by what they are for, and those of gateways as they are seen from outside.',
          unit: 's',
          queries: [
            ['chat_certificate_expiry_seconds - time()', '{{instance}}, {{listener}}'],
            ['(probe_ssl_earliest_cert_expiry > 0) - time()', '{{instance}}'],
          ],
        },
        {
          title: 'What users come by answers',
          doc: 'As it is asked from outside: 1 where it does.',
          unit: 'none',
          max: 1,
          queries: [['probe_success', '{{instance}}']],
        },
      ],
    },
  ],
};
