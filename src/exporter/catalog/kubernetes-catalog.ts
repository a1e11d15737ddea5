/**
 * kubernetes-catalog.ts - the families that tell of the Kubernetes watch; only where it runs.
 */
import { counter, gauge } from './metric.js'

export const KUBERNETES = {
  kubernetesSynced: gauge(
    'weir_kubernetes_synced',
    'Whether the first picture of the cluster has been complete (1), from the watch of the Kubernetes API.',
  ),
  kubernetesWatchUp: gauge(
    'weir_kubernetes_watch_up',
    'Whether a resource of the Kubernetes API is being watched now (1) or listed or waited for (0), from the watch.',
    ['resource'],
  ),
  kubernetesWatchLastEvent: gauge(
    'weir_kubernetes_watch_last_event_timestamp_seconds',
    'When the Kubernetes API last sent anything of a resource, bookmarks too, since 1970 by the clock of this node.',
    ['resource'],
  ),
  kubernetesWatchAge: gauge(
    'weir_kubernetes_watch_age_seconds',
    'Time since the Kubernetes API last sent anything of a resource, by a clock that never jumps.',
    ['resource'],
  ),
  kubernetesWatchRestarts: counter(
    'weir_kubernetes_watch_restarts_total',
    'Lists and watches of the Kubernetes API that ended, by resource and reason; closed is how the server ends a watch.',
    ['resource', 'reason'],
  ),
  kubernetesEvents: counter(
    'weir_kubernetes_events_total',
    'Events that the watch of the Kubernetes API brought, by resource and type.',
    ['resource', 'type'],
  ),
  kubernetesMissedDeletions: counter(
    'weir_kubernetes_missed_deletions_total',
    'Objects that went while nothing was watched, found by the next list of the Kubernetes API.',
    ['resource'],
  ),
  kubernetesObjects: gauge(
    'weir_kubernetes_objects',
    'Objects of the Kubernetes API that name something now, by resource.',
    ['resource'],
  ),
  kubernetesLists: counter('weir_kubernetes_lists_total', 'Lists of the Kubernetes API that were read to their end.', [
    'resource',
  ]),
  kubernetesListSeconds: counter(
    'weir_kubernetes_list_seconds_total',
    'Time that those lists of the Kubernetes API took, their pages and their parsing included.',
    ['resource'],
  ),
  kubernetesChangesPending: gauge(
    'weir_kubernetes_changes_pending',
    'Things whose names changed and wait for the main thread, from the thread of the Kubernetes watch.',
  ),
  kubernetesWorkerRestarts: counter(
    'weir_kubernetes_worker_restarts_total',
    'Times that the thread of the Kubernetes watch died and was begun anew.',
  ),
} as const
