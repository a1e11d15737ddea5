/**
 * access.ts - how the API server is reached, and as whom.
 *
 * In:    the service account's files in a pod; else a kubeconfig with whatever way to authenticate it names.
 * Out:   address, TLS options and headers, as of now: tokens rotate, so they are asked for before each request and read
 *        again when they are old or were refused.
 * Fail:  an Error that says which file or plugin failed.
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
  /** What the log says of it. */
  readonly name: string
  current(): Promise<Access>
  /** Forget what is cached: the server refused it. */
  renew(): void
}

export interface AccessOptions {
  /** '' or missing: the service account in a pod, else $KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig?: string | undefined
  /** Of the kubeconfig; its own current one unless told. */
  readonly context?: string | undefined
  /** A service account elsewhere than in a pod: for tests and the demo. */
  readonly account?: { readonly host: string; readonly port: string; readonly directory: string }
}
