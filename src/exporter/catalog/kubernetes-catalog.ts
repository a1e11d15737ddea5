// SPDX-License-Identifier: Apache-2.0
/**
 * kubernetes-catalog.ts - metrics of the Kubernetes watch; absent where it does not run.
 */
import { counter, gauge } from './metric.js'

export const KUBERNETES = {
  kubernetesSynced: gauge(
    'weir_kubernetes_synced',
    'Whether the first full list of every watched Kubernetes resource has been applied.',
  ),
  kubernetesWatchUp: gauge(
    'weir_kubernetes_watch_up',
    'Whether the watch of a Kubernetes resource is open (1), or the resource is being listed or retried (0).',
    ['resource'],
  ),
  kubernetesWatchLastEvent: gauge(
    'weir_kubernetes_watch_last_event_timestamp_seconds',
    "Unix time of the last event or bookmark from the Kubernetes API, by resource, on this node's clock.",
    ['resource'],
  ),
  kubernetesWatchAge: gauge(
    'weir_kubernetes_watch_age_seconds',
    'Time since the last event or bookmark from the Kubernetes API, by resource, on a monotonic clock.',
    ['resource'],
  ),
  kubernetesWatchRestarts: counter(
    'weir_kubernetes_watch_restarts_total',
    'Lists and watches of the Kubernetes API that ended, by resource and reason; closed is the normal end of a watch by the server.',
    ['resource', 'reason'],
  ),
  kubernetesEvents: counter(
    'weir_kubernetes_events_total',
    'Watch events received from the Kubernetes API, by resource and type.',
    ['resource', 'type'],
  ),
  kubernetesObjectsSkipped: counter(
    'weir_kubernetes_objects_skipped_total',
    'Objects and events of the Kubernetes API that were skipped because a field has an unexpected type.',
    ['resource'],
  ),
  kubernetesMissedDeletions: counter(
    'weir_kubernetes_missed_deletions_total',
    'Objects deleted while no watch was open, found by the next list of the Kubernetes API.',
    ['resource'],
  ),
  kubernetesObjects: gauge('weir_kubernetes_objects', 'Kubernetes objects currently used for names, by resource.', [
    'resource',
  ]),
  kubernetesLists: counter('weir_kubernetes_lists_total', 'Completed lists of the Kubernetes API, by resource.', [
    'resource',
  ]),
  kubernetesListSeconds: counter(
    'weir_kubernetes_list_seconds_total',
    'Time spent in completed lists of the Kubernetes API, including all pages and parsing, by resource.',
    ['resource'],
  ),
  kubernetesChangesPending: gauge(
    'weir_kubernetes_changes_pending',
    'Name changes queued in the Kubernetes watch thread for the main thread.',
  ),
  kubernetesWorkerRestarts: counter(
    'weir_kubernetes_worker_restarts_total',
    'Restarts of the Kubernetes watch thread.',
  ),
} as const
