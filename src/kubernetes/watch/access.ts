/**
 * access.ts - how the API server is reached, and as whom.
 *
 * In:    the service account's files in a pod; else a kubeconfig with whatever way to authenticate it names.
 * Out:   address, TLS options and headers, as of now: tokens rotate, so they are asked for before each request and read
 *        again when they are old or were refused.
 * Fail:  an Error that says which file or plugin failed.
 */
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { ApiError } from './api-error.js'

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

/** A token of a service account lives an hour or more, and is replaced long before its end. */
const READ_AGAIN_MS = 60_000
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export async function accessSource(options: AccessOptions): Promise<AccessSource> {
  if (options.account) return new ServiceAccount(options.account.host, options.account.port, options.account.directory)
  const host = process.env.KUBERNETES_SERVICE_HOST
  if (!options.kubeconfig && !options.context && host) {
    return new ServiceAccount(host, process.env.KUBERNETES_SERVICE_PORT ?? '443')
  }
  // Lazily, as it costs 76 MB: in a pod nobody needs it.
  const { KubeconfigAccess } = await import('./kubeconfig.js')
  return new KubeconfigAccess(options)
}

/** What the kubelet mounts into each pod. */
export class ServiceAccount implements AccessSource {
  readonly name = 'service account'
  readonly #server: URL
  readonly #directory: string
  #access: Access | undefined
  #readMs = 0

  /** `directory`: for tests. */
  constructor(host: string, port: string, directory = SERVICE_ACCOUNT) {
    this.#server = new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`)
    this.#directory = directory
  }

  async current(): Promise<Access> {
    if (this.#access !== undefined && performance.now() - this.#readMs < READ_AGAIN_MS) return this.#access
    this.#access = {
      server: this.#server,
      tls: { ca: this.#read('ca.crt') },
      headers: { authorization: `Bearer ${this.#read('token').trim()}` },
    }
    this.#readMs = performance.now()
    return this.#access
  }

  renew(): void {
    this.#access = undefined
  }

  #read(name: string): string {
    const path = join(this.#directory, name)
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      throw new ApiError('unauthorized', `service account: ${path}: ${(error as Error).message}`)
    }
  }
}
