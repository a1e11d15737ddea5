/**
 * kubernetes.ts - settings of names from the Kubernetes API.
 */
import { choice, path, text, toggle } from '../kind.js'
import { optional, setting } from '../setting.js'

const context = text('name', 'the name of a context of the kubeconfig', word => word !== '')
const nodeName = text('name', 'the name of a node, lower case, like node-1.example', word =>
  /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(word),
)

export const kubernetes = {
  kubernetes: setting(toggle, {
    help: 'names of pods, nodes and services from the Kubernetes API',
    default: false,
    key: 'kubernetes.enabled',
  }),
  'kubernetes.kubeconfig': optional(path, {
    help: 'how to reach the API and as whom',
    defaultText: 'the service account in a pod, else $KUBECONFIG or ~/.kube/config',
  }),
  'kubernetes.context': optional(context, {
    help: 'the context of the kubeconfig',
    defaultText: 'its current one',
  }),
  'kubernetes.node-name': optional(nodeName, {
    help: 'this node, as the API names it',
    defaultText: '$NODE_NAME, else the name of this host',
  }),
  'kubernetes.cilium': setting(choice('when', ['auto', 'always', 'never']), {
    help: "Cilium's identity numbers and labels; auto: where the cluster has its kinds",
    default: 'auto',
  }),
  'kubernetes.require-sync': setting(toggle, {
    help: 'not ready before the cluster has been listed once',
    default: true,
  }),
}
