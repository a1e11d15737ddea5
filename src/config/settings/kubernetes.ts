// SPDX-License-Identifier: Apache-2.0
/**
 * kubernetes.ts - settings of the Kubernetes watch that provides names.
 */
import { choice, path, text, toggle } from '../kind.js'
import { optional, setting } from '../setting.js'

const context = text('name', 'the name of a kubeconfig context', word => word !== '')
const nodeName = text('name', 'the name of a node, lower case, like node-1.example', word =>
  /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(word),
)

export const kubernetes = {
  kubernetes: setting(toggle, {
    help: 'get the names of pods, nodes and services from the Kubernetes API',
    default: false,
    key: 'kubernetes.enabled',
  }),
  'kubernetes.kubeconfig': optional(path, {
    help: 'kubeconfig file for access to the Kubernetes API',
    defaultText: 'the service account in a pod, otherwise $KUBECONFIG or ~/.kube/config',
  }),
  'kubernetes.context': optional(context, {
    help: 'kubeconfig context to use',
    defaultText: 'its current context',
  }),
  'kubernetes.node-name': optional(nodeName, {
    help: 'name of this node in the Kubernetes API',
    defaultText: '$NODE_NAME, otherwise the hostname',
  }),
  'kubernetes.cilium': setting(choice('mode', ['auto', 'always', 'never']), {
    help: "use Cilium's identities and their labels: auto (if the cluster has Cilium's CRDs), always or never",
    default: 'auto',
  }),
  'kubernetes.require-sync': setting(toggle, {
    help: 'report ready only after the cluster has been listed once',
    default: true,
  }),
}
