import { type DashboardSpec, perSecond } from './spec.ts';

const node = '{job="parley", instance=~"$instance"}';

export const resources: DashboardSpec = {
  uid: 'parley-resources',
  title: 'Parley: processes and machines',
  doc: 'What nodes take of their machines, and what is left.',
  rows: [
    {
      title: 'Processes',
      panels: [
        {
          title: 'CPU',
          doc: 'Cores, all threads of a node. The event loop can take one.',
          unit: 'short',
          queries: [[`rate(process_cpu_seconds_total${node}[$__rate_interval])`, '{{instance}}']],
        },
        {
          title: 'Event loop, busy',
          doc: 'Above 0.9 for long there is no room for more.',
          unit: 'percentunit',
          max: 1,
          queries: [[`nodejs_eventloop_utilization_ratio${node}`, '{{instance}}']],
        },
        {
          title: 'Event loop, late timers',
          doc: 'The 99th percentile of how late timers fire.',
          unit: 's',
          queries: [
            [
              'nodejs_eventloop_lag_seconds{job="parley", instance=~"$instance", quantile="0.99"}',
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Memory',
          doc: 'Resident memory of each node.',
          unit: 'bytes',
          queries: [[`process_resident_memory_bytes${node}`, '{{instance}}']],
        },
        {
          title: 'Heap in use',
          doc: 'It rises and falls with the collector; what matters is how low it falls.',
          unit: 'bytes',
          queries: [
            ['nodejs_memory_bytes{job="parley", instance=~"$instance", use="heap_used"}', '{{instance}}'],
          ],
        },
        {
          title: 'Garbage collection',
          doc: 'Share of time that a node collects garbage.',
          unit: 'percentunit',
          queries: [
            [
              'sum by (instance) (rate(nodejs_gc_seconds_total{instance=~"$instance"}[$__rate_interval]))',
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Open files',
          doc: 'Sockets among them; the share of what the process may have.',
          unit: 'percentunit',
          queries: [[`process_open_fds${node} / process_max_fds`, '{{instance}}']],
        },
        {
          title: 'Age',
          doc: 'Time since each node was started.',
          unit: 's',
          queries: [[`time() - process_start_time_seconds${node}`, '{{instance}}']],
        },
      ],
    },
    {
      title: 'Machines',
      panels: [
        {
          title: 'CPU',
          doc: 'Share of all cores that are not idle.',
          unit: 'percentunit',
          max: 1,
          queries: [
            [
              '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Memory in use',
          doc: 'Share that is not available.',
          unit: 'percentunit',
          max: 1,
          queries: [['1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes', '{{instance}}']],
        },
        {
          title: 'Disk in use',
          doc: 'Share of each file system. A full disk refuses sends.',
          unit: 'percentunit',
          max: 1,
          queries: [
            [
              '1 - node_filesystem_avail_bytes{fstype!~"tmpfs|squashfs|ramfs"} / node_filesystem_size_bytes',
              '{{instance}} {{mountpoint}}',
            ],
          ],
        },
        {
          title: 'Disk writes',
          doc: 'Bytes written each second.',
          unit: 'Bps',
          queries: [[perSecond('node_disk_written_bytes_total', 'instance'), '{{instance}}']],
        },
        {
          title: 'Network',
          doc: 'Bytes in and out, all interfaces.',
          unit: 'Bps',
          queries: [
            [perSecond('node_network_receive_bytes_total', 'instance'), '{{instance}}, in'],
            [perSecond('node_network_transmit_bytes_total', 'instance'), '{{instance}}, out'],
          ],
        },
        {
          title: 'Load',
          doc: 'Processes that run or want to, over a minute.',
          unit: 'short',
          queries: [['node_load1', '{{instance}}']],
        },
      ],
    },
  ],
};
