// SPDX-License-Identifier: Apache-2.0
/**
 * access.ts - address and credentials of the API server.
 *
 * Tokens rotate, so the client calls current() before each request, and renew() when the server refused the credentials.
 */

export interface Access {
  readonly server: URL
  readonly tls: TlsOptions
  readonly headers: Readonly<Record<string, string>>
}

export interface TlsOptions {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface AccessSource {
  /** Its name in the log. */
  readonly name: string
  /** Rejects with an Error that names the file or plugin that failed. */
  current(): Promise<Access>
  /** Drops cached credentials. */
  renew(): void
}

export interface AccessOptions {
  /** '' or missing: the service account in a pod, else $KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig?: string | undefined
  /** A context of the kubeconfig; default: its current one. */
  readonly context?: string | undefined
  /** A service account outside of a pod. For tests and the demo. */
  readonly account?: { readonly host: string; readonly port: string; readonly directory: string }
}
