/**
 * tcp-cases.ts - cases of the alerts on TCP connections, which dashboards/tcp-rules.ts defines.
 */
import { type Case, completed, counting, handshakes, opened, SHOP_TO_DATA, slowing, TO, then } from './case.js'

export const TCP_CASES: Readonly<Record<string, Case>> = {
  WeirConnectionsUnanswered: {
    fires: {
      input: [opened(10), completed(7)],
      alerts: [
        { labels: TO, description: '30% of the TCP connections to data/database do not complete the handshake.' },
      ],
    },
    quiet: {
      'one of ten unanswered': [opened(10), completed(9)],
      'all unanswered, but very few': [opened(0.1)],
    },
  },
  WeirHandshakesSlow: {
    fires: {
      input: [
        ...slowing(10, 10, '1'),
        [`weir_tcp_handshake_seconds_count{${SHOP_TO_DATA},reporter="source"}`, then(10, 10)],
      ],
      alerts: [{ labels: TO, description: 'The 95th percentile of handshake times with data/database is 955ms.' }],
    },
    quiet: {
      'as slow as ever': [...handshakes(10, '1', 1700), completed(10, 1700)],
      'slower, but still fast': [
        ...slowing(10, 10, '0.001'),
        [`weir_tcp_handshake_seconds_count{${SHOP_TO_DATA},reporter="source"}`, then(10, 10)],
      ],
    },
    at: '1640m',
  },
  WeirHubbleConnectionsUnanswered: {
    fires: {
      input: [
        [`hubble_tcp_flags_total{${SHOP_TO_DATA},flag="SYN",family="IPv4"}`, counting(10)],
        [
          'hubble_tcp_flags_total{source_namespace="data",source_workload="database",destination_namespace="shop",destination_workload="api",flag="SYN-ACK",family="IPv4"}',
          counting(7),
        ],
      ],
      alerts: [
        { labels: TO, description: '30% of the TCP connections to data/database do not complete the handshake.' },
      ],
    },
    quiet: {
      'all answered': [
        [`hubble_tcp_flags_total{${SHOP_TO_DATA},flag="SYN",family="IPv4"}`, counting(10)],
        [
          'hubble_tcp_flags_total{source_namespace="data",source_workload="database",destination_namespace="shop",destination_workload="api",flag="SYN-ACK",family="IPv4"}',
          counting(10),
        ],
      ],
    },
  },
}
