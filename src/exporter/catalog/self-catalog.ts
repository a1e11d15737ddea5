// SPDX-License-Identifier: Apache-2.0
/**
 * self-catalog.ts - metrics of Weir itself: packets seen, losses, table sizes, reloads and time spent.
 */
import { counter, gauge } from './metric.js'

export const SELF = {
  packetsSeen: counter('weir_packets_seen_total', 'Packets seen by the tc programs, by hook.', ['hook']),
  bytesSeen: counter('weir_bytes_seen_total', 'Bytes seen by the tc programs, by hook.', ['hook']),
  packetsIgnored: counter(
    'weir_packets_ignored_total',
    'Packets seen by the tc programs but counted in no flow family, by reason.',
    ['reason'],
  ),
  bytesIgnored: counter(
    'weir_bytes_ignored_total',
    'Bytes of packets seen by the tc programs but counted in no flow family, by reason.',
    ['reason'],
  ),
  records: counter('weir_records_total', 'Records read from the source, by type and result.', ['type', 'result']),
  decodeFaults: counter('weir_decode_faults_total', 'Records rejected by the decoder, by reason.', ['reason']),
  ringFull: counter(
    'weir_ring_full_total',
    'Records that did not fit in the perf ring, from the datapath; their counts were put back, so none are lost.',
  ),
  ringLost: counter(
    'weir_ring_lost_records_total',
    'Records lost in the perf ring, from PERF_RECORD_LOST; counts the same losses as weir_ring_full_total, as a cross-check.',
  ),
  feature: gauge(
    'weir_feature',
    'State of each kernel feature, always 1: on, degraded (numbers are right, something else is worse) or off (numbers are missing).',
    ['feature', 'state'],
  ),
  connectionTableEntries: gauge('weir_connection_table_entries', 'Entries in the connection table at its last flush.'),
  connectionTableLimit: gauge('weir_connection_table_limit', 'Maximum number of entries in the connection table.'),
  connectionTableFull: counter(
    'weir_connection_table_full_packets_total',
    'Packets counted without a connection because the connection table was full, from the datapath.',
  ),
  counterOverflows: counter(
    'weir_overflows_total',
    'Moves of counts to the overflow table, because a packed counter reached its high-water mark or its connection was being deleted, from the datapath.',
  ),
  unnamedPackets: counter(
    'weir_unnamed_packets_total',
    'Packets counted in the flow families without names because the overflow table was full, from the datapath.',
  ),
  observationsLost: counter(
    'weir_observations_lost_total',
    'Handshake times and connection durations overwritten before they were reported, from the datapath.',
  ),
  fragmentsUnknown: counter(
    'weir_fragments_unknown_total',
    'IP fragments counted without ports because the first fragment was not seen, from the datapath.',
  ),
  dropsSeen: counter('weir_drops_seen_total', 'Packets freed by the kernel with a drop reason, from tp_btf/kfree_skb.'),
  dropsIgnored: counter(
    'weir_drops_ignored_total',
    'Packets freed with a drop reason but counted in no drop family, by reason, from tp_btf/kfree_skb: not IP, already delivered to a socket, or in a network namespace of neither this node nor one of its pods.',
    ['reason'],
  ),
  dropTableEntries: gauge('weir_drop_table_entries', 'Kinds of drop in the drop table at its last flush.'),
  dropTableLimit: gauge('weir_drop_table_limit', 'Maximum number of kinds of drop in the drop table.'),
  dropTableCoarse: counter(
    'weir_drop_table_coarse_packets_total',
    'Dropped packets counted without their destination port or their destination, because their source had used up its share of the drop table or the table was nearly full, from the datapath.',
  ),
  dropTableFull: counter(
    'weir_drop_table_full_packets_total',
    'Dropped packets counted by drop reason only because the drop table was full, from the datapath.',
  ),
  seriesCount: gauge('weir_series', 'Series in a family, including its overflow series.', ['family']),
  seriesRefused: counter(
    'weir_series_refused_total',
    'Requests for a new series refused because the family was at its budget; the overflow series counts them instead.',
    ['family'],
  ),
  seriesBudget: gauge(
    'weir_series_budget',
    'Maximum number of series in a family, not including its overflow series.',
    ['family'],
  ),
  seriesExpired: counter(
    'weir_series_expired_total',
    'Series removed from a family: unchanged for the series TTL, of a deleted pod, or of a disabled family.',
    ['family'],
  ),
  seriesExpiredValue: counter(
    'weir_series_expired_value_total',
    'Sum of the values of removed series, by sample name; exposed and expired values together are everything ever counted.',
    ['sample'],
  ),
  excludedPackets: counter(
    'weir_excluded_packets_total',
    'Packets left out of the flow families by the namespace filters, by reporter and reason.',
    ['reporter', 'reason'],
  ),
  excludedBytes: counter(
    'weir_excluded_bytes_total',
    'Bytes left out of the flow families by the namespace filters, by reporter and reason.',
    ['reporter', 'reason'],
  ),
  entityMisses: counter('weir_entity_misses_total', 'Address lookups that found no entity.'),
  interfacesWatched: gauge('weir_interfaces_watched', 'Interfaces with the tc programs attached, by hook.', ['hook']),
  podsLocal: gauge('weir_pods_local', 'Pods of this node with an address of their own.'),
  podsCovered: gauge('weir_pods_covered', 'Pods of this node with an address of their own and a watched interface.'),
  interfacesPending: gauge(
    'weir_interfaces_pending',
    'Interfaces that do not have the tc programs yet, because of a start or a failed attempt; their packets are not counted.',
  ),
  interfaceCoverage: gauge(
    'weir_interface_coverage_seconds',
    'Seconds from the start until every interface had the tc programs; 0 until then.',
  ),
  interfaceAttachSeconds: counter(
    'weir_interface_attach_seconds_total',
    "Time spent in the kernel to attach programs, for most of which the kernel's network configuration is locked.",
  ),
  interfaceErrors: counter(
    'weir_interface_errors_total',
    'Failed attempts to attach to, check or detach from an interface.',
  ),
  interfaceReattached: counter(
    'weir_interface_reattached_total',
    'Times the programs of an interface were attached again, by reason: detached, qdisc_deleted or replaced by another program, or not_first on the hook.',
    ['reason'],
  ),
  notificationLosses: counter(
    'weir_network_resyncs_total',
    'Times the kernel dropped notifications of links, addresses or routes because they came too fast; all of them were read again.',
  ),
  bridgeUplinkUnknown: gauge(
    'weir_bridge_uplink_unknown',
    "Bridges with the node's default route of which no port is known to lead to the gateway: the node's uplink may count as a pod's interface.",
    ['interface'],
  ),
  interfaceBehind: gauge(
    'weir_interface_behind',
    'Interfaces with a program of another owner that insists on running before Weir, and may hide packets from it.',
    ['interface'],
  ),
  podEndsWatched: gauge(
    'weir_pod_ends_watched',
    "Interfaces of pods with a program attached at the pod's side, for packets that skip the host's side.",
  ),
  podEndsMissing: gauge(
    'weir_pod_ends_missing',
    "Interfaces of pods without a program at the pod's side although --pod-end asks for it.",
  ),
  interfaceBypassed: gauge(
    'weir_interface_bypassed',
    'Whether packets of a direction pass a pod without passing its interface, so that they are not counted; only interfaces with evidence of it have a series.',
    ['interface', 'direction'],
  ),
  bypassedConnections: counter(
    'weir_bypassed_connections_total',
    'TCP connections of which packets were acknowledged that the tc programs never saw, by the direction not seen; checked for a sample of the connections.',
    ['direction'],
  ),
  stageUp: gauge('weir_stage_up', 'Whether the last attempt to run a stage of the exporter succeeded.', ['stage']),
  stageSeconds: counter('weir_stage_seconds_total', 'Time spent in a stage of the exporter.', ['stage']),
  bpfRecursionMisses: counter(
    'weir_bpf_recursion_misses_total',
    "Runs of a BPF program skipped by the kernel's recursion guard and not made up for by a second program.",
    ['program'],
  ),
  apiStreams: gauge('weir_flow_api_streams', 'Open streams of flow API clients.'),
  apiRefused: counter(
    'weir_flow_api_refused_total',
    'Streams and connections of flow API clients refused or ended, by reason: too many of them, or filters that take too long.',
    ['reason'],
  ),
  apiLost: counter(
    'weir_flow_api_lost_records_total',
    'Records overwritten in the flow buffer before a slow flow API client read them; the client receives a lost event.',
  ),
  hubbleFlowsMade: counter(
    'weir_hubble_flows_made_total',
    'Records expanded to a full flow for the hubble_* metrics because their key was not cached.',
  ),
  hubbleForgotten: counter(
    'weir_hubble_forgotten_total',
    'Times the key cache of the hubble_* metrics was full, and was flushed to the series and cleared.',
  ),
  hubbleDeletionsRefused: counter(
    'weir_hubble_deletions_refused_total',
    'Deleted pods with hubble_* series that stay until the series TTL because too many deletions were pending.',
  ),
  entityDeletionsRefused: counter(
    'weir_entity_deletions_refused_total',
    'Deleted pods with weir_* series that stay until the series TTL because too many deletions were pending.',
  ),
  entityIdsReused: counter('weir_entity_ids_reused_total', 'Entity ids of removed entities freed for reuse.'),
  entities: gauge('weir_entities', 'Entities that have an address, by kind; a CIDR counts once for each prefix.', [
    'kind',
  ]),
  entityIdsStale: gauge(
    'weir_entity_ids_stale',
    'Entity ids of removed entities, kept for --entity-ttl and until no connection refers to them.',
  ),
  entityIdsRefused: counter(
    'weir_entity_ids_refused_total',
    'Entities counted as unknown because all 1,048,576 entity ids were in use.',
  ),
  ipCacheEntries: gauge('weir_ip_cache_entries', "Entries in the datapath's IP cache."),
  ipCacheLimit: gauge('weir_ip_cache_limit', "Maximum number of entries in the datapath's IP cache."),
  ipCacheMissing: gauge(
    'weir_ip_cache_entries_missing',
    'Entries that did not fit in the IP cache because it was full; new connections of their addresses count as unknown.',
  ),
  connectionsDeferred: gauge(
    'weir_connections_deferred',
    'Connections with counts deferred at the last flush, because an endpoint has no name yet.',
  ),
  connectionsRenamed: counter(
    'weir_connections_renamed_total',
    'Connections evicted because the name of an endpoint changed or arrived after --entity-wait; later packets count under the new names.',
  ),
  serviceUnresolved: counter(
    'weir_service_unresolved_connections_total',
    'Connections counted under the name of a Service, because conntrack knows no backend: the Service has none, or its packets bypass conntrack.',
  ),
  inventoryReloadSuccessful: gauge(
    'weir_inventory_last_reload_successful',
    'Whether the last inventory file reload attempt was successful.',
  ),
  inventoryReloadTime: gauge(
    'weir_inventory_last_reload_success_timestamp_seconds',
    'Unix time of the last successful reload of the inventory file.',
  ),
  inventoryReloads: counter('weir_inventory_reloads_total', 'Inventory file reloads, by result.', ['result']),
  webRefused: counter('weir_web_refused_total', 'Requests and connections refused by the web server, by reason.', [
    'reason',
  ]),
  webConfigReloadSuccessful: gauge(
    'weir_web_config_last_reload_successful',
    'Whether the last reload attempt of the web config file and its certificates was successful.',
  ),
  webConfigReloadTime: gauge(
    'weir_web_config_last_reload_success_timestamp_seconds',
    'Unix time of the last successful reload of the web config file and its certificates.',
  ),
  hubbleConfigReloadSuccessful: gauge(
    'weir_hubble_config_last_reload_successful',
    'Whether the last reload attempt of the --hubble-dynamic-metrics-config-path file was successful.',
  ),
  hubbleConfigReloadTime: gauge(
    'weir_hubble_config_last_reload_success_timestamp_seconds',
    'Unix time of the last successful reload of the --hubble-dynamic-metrics-config-path file.',
  ),
  hubbleConfigReloads: counter(
    'weir_hubble_config_reloads_total',
    'Reloads of the --hubble-dynamic-metrics-config-path file, by result.',
    ['result'],
  ),
  otlpExports: counter('weir_otlp_exports_total', 'OTLP exports, by result.', ['result']),
  otlpPoints: counter('weir_otlp_points_total', 'Data points accepted by the OTLP receiver.'),
  otlpPointsRejected: counter(
    'weir_otlp_points_rejected_total',
    'Data points rejected by the OTLP receiver in partially successful requests.',
  ),
  otlpPointsDropped: counter(
    'weir_otlp_points_dropped_total',
    'Data points not sent over OTLP: last values of removed series, given up because the receiver was down for too long, and values that are infinite or NaN.',
  ),
  otlpSeconds: counter('weir_otlp_export_seconds_total', 'Time spent in OTLP exports.'),
  otlpLastSuccess: gauge(
    'weir_otlp_last_success_timestamp_seconds',
    'Unix time of the last export accepted by the OTLP receiver, 0 if there was none.',
  ),
  otlpRestarts: counter('weir_otlp_worker_restarts_total', 'Restarts of the OTLP export thread.'),
  configReloadSuccessful: gauge(
    'weir_config_last_reload_successful',
    'Whether the last configuration reload attempt was successful.',
  ),
  configReloadTime: gauge(
    'weir_config_last_reload_success_timestamp_seconds',
    'Unix time of the last successful configuration reload.',
  ),
  configReloads: counter('weir_config_reloads_total', 'Configuration reloads, by result.', ['result']),
  buildInfo: gauge(
    'weir_build_info',
    'A metric with a constant value of 1, labelled by version, revision, Node.js version, architecture and kernel release.',
    ['version', 'revision', 'nodeversion', 'arch', 'kernel'],
  ),
} as const
