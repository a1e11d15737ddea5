// SPDX-License-Identifier: Apache-2.0
/**
 * access-source.ts - chooses between service account and kubeconfig.
 *
 * Fail:  a wrong kubeconfig rejects with an Error that names it.
 */
import type { AccessOptions, AccessSource } from './access.js'
import { ServiceAccount } from './service-account.js'

export async function accessSource(options: AccessOptions): Promise<AccessSource> {
  if (options.account) return new ServiceAccount(options.account.host, options.account.port, options.account.directory)
  const host = process.env.KUBERNETES_SERVICE_HOST
  if (!options.kubeconfig && !options.context && host) {
    return new ServiceAccount(host, process.env.KUBERNETES_SERVICE_PORT ?? '443')
  }
  // Imported on demand: it costs 76 MB and a pod does not need it.
  const { KubeconfigAccess } = await import('./kubeconfig.js')
  return new KubeconfigAccess(options)
}
