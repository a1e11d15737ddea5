/**
 * self-catalog.ts - the families that tell of Weir itself: what it saw, lost, holds and spends.
 */
import { counter, gauge } from './metric.js'

export const SELF = {
  packetsSeen: counter('weir_packets_seen_total', 'Packets that the tc programs saw, from their per-CPU counters.', [
    'hook',
  ]),
  bytesSeen: counter('weir_bytes_seen_total', 'Bytes that the tc programs saw, from their per-CPU counters.', ['hook']),
  packetsIgnored: counter(
    'weir_packets_ignored_total',
    'Packets seen that no flow family counts, and why, from per-CPU counters of the tc programs.',
    ['reason'],
  ),
  bytesIgnored: counter(
    'weir_bytes_ignored_total',
    'Bytes of packets seen that no flow family counts, and why, from per-CPU counters of the tc programs.',
    ['reason'],
  ),
  records: counter('weir_records_total', 'Records read from the source, by type and what became of them.', [
    'type',
    'result',
  ]),
  decodeFaults: counter('weir_decode_faults_total', 'Records that the decoder refused, by fault.', ['reason']),
  ringFull: counter(
    'weir_ring_full_total',
    'Records that did not fit the perf ring, from per-CPU counters of the datapath; their counts were put back, so nothing is missing.',
  ),
  ringLost: counter(
    'weir_ring_lost_records_total',
    'Records that perf reports as lost, from PERF_RECORD_LOST; a cross-check of weir_ring_full_total, the same losses again.',
  ),
  connectionTableEntries: gauge(
    'weir_connection_table_entries',
    'Entries in the connection table at the last sweep of the BPF map.',
  ),
  connectionTableLimit: gauge(
    'weir_connection_table_limit',
    'Entries that the connection table can hold, from the BPF map.',
  ),
  connectionTableFull: counter(
    'weir_connection_table_full_packets_total',
    'Packets counted without a connection because the connection table was full, from per-CPU counters of the datapath.',
  ),
  counterOverflows: counter(
    'weir_overflows_total',
    'Times that counts went to the spill table, because a tally was at its brim or its entry was being deleted, from per-CPU counters of the datapath.',
  ),
  unnamedPackets: counter(
    'weir_unnamed_packets_total',
    'Packets counted in the flow families without names because the spill table was full, from per-CPU counters of the datapath.',
  ),
  observationsLost: counter(
    'weir_observations_lost_total',
    'Handshake or duration observations overwritten before they were told, from per-CPU counters of the datapath.',
  ),
  fragmentsUnknown: counter(
    'weir_fragments_unknown_total',
    'IP fragments counted without ports because their first one was not seen, from per-CPU counters of the datapath.',
  ),
  dropsSeen: counter('weir_drops_seen_total', 'Packets that tp_btf/kfree_skb saw freed with a drop reason.'),
  dropsIgnored: counter(
    'weir_drops_ignored_total',
    'Packets that tp_btf/kfree_skb saw freed and that no drop family counts: not IP, or delivered to a socket before.',
    ['reason'],
  ),
  dropTableFull: counter(
    'weir_drop_table_full_packets_total',
    'Dropped packets counted by reason only because the drop table was full, from per-CPU counters of the datapath.',
  ),
  seriesCount: gauge('weir_series', 'Series that a family holds, from the series store.', ['family']),
  seriesRefused: counter(
    'weir_series_refused_total',
    'Requests for a series past the budget of its family, answered with the overflow series, from the series store.',
    ['family'],
  ),
  seriesBudget: gauge(
    'weir_series_budget',
    'Series that a family may have before its overflow series takes the rest, from the configuration.',
    ['family'],
  ),
  seriesExpired: counter(
    'weir_series_expired_total',
    'Series removed because they had not changed for the TTL, or their family was switched off, from the series store.',
    ['family'],
  ),
  seriesExpiredValue: counter(
    'weir_series_expired_value_total',
    'What removed series had counted, by the name of their samples: with the samples still exposed it is all that was ever counted.',
    ['sample'],
  ),
  excludedPackets: counter(
    'weir_excluded_packets_total',
    'Packets that no flow family counts because the configuration leaves the namespace of an end out, from the reduce.',
    ['reporter', 'reason'],
  ),
  excludedBytes: counter(
    'weir_excluded_bytes_total',
    'Bytes that no flow family counts because the configuration leaves the namespace of an end out, from the reduce.',
    ['reporter', 'reason'],
  ),
  entityMisses: counter('weir_entity_misses_total', 'Addresses that no entity of the world explains.'),
  interfacesWatched: gauge('weir_interfaces_watched', 'Interfaces that the tc programs are attached to.', ['hook']),
  interfaceErrors: counter('weir_interface_errors_total', 'Interfaces that could not be attached to or detached from.'),
  stageUp: gauge('weir_stage_up', 'Whether a stage of the exporter works (1) or the attach failed it (0).', ['stage']),
  stageSeconds: counter('weir_stage_seconds_total', 'Time spent in a stage of the exporter, from its own clock.', [
    'stage',
  ]),
  bpfRecursionMisses: counter(
    'weir_bpf_recursion_misses_total',
    "Runs of a BPF program that the kernel's recursion guard refused and that no other program made up for.",
    ['program'],
  ),
  apiStreams: gauge('weir_flow_api_streams', 'Streams of flows or records that clients have open at the flow API.'),
  apiLost: counter(
    'weir_flow_api_lost_records_total',
    'Records overwritten in the flow buffer before a slow client of the flow API had read them; told to it as lost.',
  ),
  hubbleFlowsMade: counter(
    'weir_hubble_flows_made_total',
    'Records for which the hubble_* metrics had to make a whole flow, as nothing like it was counted before.',
  ),
  hubbleForgotten: counter(
    'weir_hubble_forgotten_total',
    'Times that the tallies of the hubble_* metrics were full, were added to the series and began anew.',
  ),
  hubbleDeletionsRefused: counter(
    'weir_hubble_deletions_refused_total',
    'Deleted pods whose hubble_* series stay for the series TTL because too many deletions were waiting already.',
  ),
  entityDeletionsRefused: counter(
    'weir_entity_deletions_refused_total',
    'Deleted pods whose weir_* series stay for the series TTL because too many deletions were waiting already.',
  ),
  entityIdsReused: counter(
    'weir_entity_ids_reused_total',
    'Numbers of entities that are long gone, freed to stand for others.',
  ),
  entities: gauge('weir_entities', 'What stands at addresses, by kind; CIDRs by the prefix.', ['kind']),
  entityIdsStale: gauge(
    'weir_entity_ids_stale',
    'Rows of entities that are gone, whose names stay for --entity-ttl and until no connection bears them.',
  ),
  entityIdsRefused: counter(
    'weir_entity_ids_refused_total',
    'Entities that came when all 1,048,576 rows were in use: they are unknown.',
  ),
  ipCacheEntries: gauge('weir_ip_cache_entries', "Entries of the kernel's trie of addresses."),
  ipCacheLimit: gauge('weir_ip_cache_limit', "Entries that the kernel's trie of addresses has room for."),
  ipCacheMissing: gauge(
    'weir_ip_cache_entries_missing',
    'Entries that should be in the trie of addresses and are not, as it was full; new connections of theirs are unknown.',
  ),
  connectionsDeferred: gauge(
    'weir_connections_deferred',
    'Connections whose counts waited in the kernel for the name of an end at the last sweep.',
  ),
  connectionsRenamed: counter(
    'weir_connections_renamed_total',
    'Connections let go because the name of an end changed or came after --entity-wait: they go on under the new names.',
  ),
  inventoryReloadSuccessful: gauge(
    'weir_inventory_last_reload_successful',
    'Whether the inventory file is in force as it is (1), or its last good content (0).',
  ),
  inventoryReloads: counter('weir_inventory_reloads_total', 'Changes of the inventory file, by what became of them.', [
    'result',
  ]),
  webRefused: counter('weir_web_refused_total', 'Requests and connections that the listener did not serve, by why.', [
    'reason',
  ]),
  webConfigReloadSuccessful: gauge(
    'weir_web_config_last_reload_successful',
    'Whether the web config file and its certificates are in force as they stand (1) or what they were before (0).',
  ),
  hubbleConfigReloadSuccessful: gauge(
    'weir_hubble_config_last_reload_successful',
    'Whether the file of --hubble-dynamic-metrics-config-path is in force as it is (1), or the last good one (0).',
  ),
  hubbleConfigReloads: counter(
    'weir_hubble_config_reloads_total',
    'Changes of the file of --hubble-dynamic-metrics-config-path, by what became of them.',
    ['result'],
  ),
  otlpExports: counter('weir_otlp_exports_total', 'Exports by OTLP, by what became of them, from the exporter.', [
    'result',
  ]),
  otlpPoints: counter('weir_otlp_points_total', 'Data points that the OTLP receiver accepted, from its answers.'),
  otlpPointsRejected: counter(
    'weir_otlp_points_rejected_total',
    'Data points that the OTLP receiver rejected in a request that it accepted otherwise, from its answers.',
  ),
  otlpPointsDropped: counter(
    'weir_otlp_points_dropped_total',
    'Data points not sent by OTLP: last values of removed series that the receiver was down for too long to take, and values that are infinite or not a number.',
  ),
  otlpSeconds: counter(
    'weir_otlp_export_seconds_total',
    'Time that exports by OTLP took, from the clock of the exporter.',
  ),
  otlpLastSuccess: gauge(
    'weir_otlp_last_success_timestamp_seconds',
    'When the OTLP receiver last accepted an export, in seconds since 1970, from the clock of the exporter; 0 for never.',
  ),
  otlpRestarts: counter(
    'weir_otlp_worker_restarts_total',
    'Times that the thread of the OTLP export was started anew.',
  ),
  configReloadSuccessful: gauge(
    'weir_config_last_reload_successful',
    'Whether the last attempt to load the configuration was successful (1) or was refused (0).',
  ),
  configReloadTime: gauge(
    'weir_config_last_reload_success_timestamp_seconds',
    'When the configuration that is in force was loaded, in seconds since 1970.',
  ),
  configReloads: counter('weir_config_reloads_total', 'Reloads of the configuration, by what became of them.', [
    'result',
  ]),
  buildInfo: gauge('weir_build_info', 'Constant 1, labelled with what runs and where it runs.', [
    'version',
    'revision',
    'nodeversion',
    'arch',
    'kernel',
  ]),
} as const
