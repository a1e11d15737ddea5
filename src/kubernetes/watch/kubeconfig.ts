/**
 * kubeconfig.ts - access by a kubeconfig: certificates, tokens, token files, exec plugins, OIDC, proxies' addresses.
 *
 * In:    a file, and a context of it.
 * Out:   an AccessSource over @kubernetes/client-node's KubeConfig; the only place that imports the library.
 * Fail:  an Error that names the file and the context, or carries the words of the plugin.
 */
import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import type { Access, AccessOptions, AccessSource, TlsOptions } from './access.js'
import { ApiError } from './api-error.js'

export class KubeconfigAccess implements AccessSource {
  readonly name: string
  readonly #options: AccessOptions
  #config: KubeConfig | undefined

  constructor(options: AccessOptions) {
    this.#options = options
    this.name = options.kubeconfig ? `kubeconfig ${options.kubeconfig}` : 'kubeconfig'
    this.#config = load(options, this.name)
  }

  /** The library keeps tokens until they are old. */
  async current(): Promise<Access> {
    this.#config ??= load(this.#options, this.name)
    const server = this.#config.getCurrentCluster()?.server ?? ''
    const options: RequestOptions = { headers: {} }
    try {
      await this.#config.applyToHTTPSOptions(options)
    } catch (error) {
      throw new ApiError('unauthorized', `${this.name}: ${(error as Error).message.trim()}`)
    }
    return { server: new URL(server), tls: tlsOf(options), headers: headersOf(options) }
  }

  /** Read the file again at the next request: its tokens may be new, and plugins' caches are of the old one. */
  renew(): void {
    this.#config = undefined
  }
}

function load({ kubeconfig, context }: AccessOptions, name: string): KubeConfig {
  const config = new KubeConfig()
  try {
    if (kubeconfig) config.loadFromFile(kubeconfig)
    else config.loadFromDefault()
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`)
  }
  const known = config.getContexts().map(one => one.name)
  if (context) {
    if (!known.includes(context)) throw new Error(`${name}: context '${context}'; allowed: ${known.join(', ')}`)
    config.setCurrentContext(context)
  }
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error(`${name}: no context is current; allowed: one of ${known.join(', ')}`)
  return config
}

function tlsOf(options: RequestOptions): TlsOptions {
  const { ca, cert, key, servername, rejectUnauthorized } = options
  return {
    ...(ca !== undefined && { ca: ca as string | Buffer }),
    ...(cert !== undefined && { cert: cert as string | Buffer }),
    ...(key !== undefined && { key: key as string | Buffer }),
    ...(servername !== undefined && { servername }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  }
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const all = Object.entries(headers ?? {}).flatMap(([key, value]) => (value === undefined ? [] : [[key, `${value}`]]))
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}
  return { ...Object.fromEntries(all), ...basic }
}
