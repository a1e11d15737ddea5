// SPDX-License-Identifier: Apache-2.0
/**
 * workload.ts - the controller that owns a pod, as flows name it (cilium/cilium api/v1/flow/flow.proto, Workload).
 */

export interface Workload {
  name?: string
  /** A Kubernetes kind such as `Deployment`. */
  kind?: string
}
