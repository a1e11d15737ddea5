// SPDX-License-Identifier: Apache-2.0
/**
 * kubeconfig.ts - access by a kubeconfig: certificates, tokens, token files, exec plugins, OIDC, proxies.
 *
 * In:    a file and the name of a context.
 * Out:   an AccessSource based on @kubernetes/client-node's KubeConfig; the only importer of that library.
 * Fail:  an Error that names file and context, or contains the plugin's message.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { redacted } from '../../lib/redact.js'
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

  /** The library caches tokens until they expire. */
  async current(): Promise<Access> {
    this.#config ??= load(this.#options, this.name)
    const server = this.#config.getCurrentCluster()?.server ?? ''
    const options: RequestOptions = { headers: {} }
    try {
      await this.#config.applyToHTTPSOptions(options)
    } catch (error) {
      throw new ApiError('unauthorized', `${this.name}: ${redacted((error as Error).message.trim(), {})}`)
    }
    return { server: new URL(server), tls: tlsOf(options), headers: headersOf(options) }
  }

  /** The next request reads the file again: its tokens may be new, and plugin results are cached per KubeConfig. */
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
  if (server === undefined) throw new Error(`${name}: no current context; allowed: ${known.join(', ')}`)
  useTokenFiles(config, kubeconfig)
  return config
}

/** The library does not read `tokenFile` of a user; as in client-go, it wins over `token`, and a relative path starts at its file. */
function useTokenFiles(config: KubeConfig, kubeconfig: string | undefined): void {
  const tokenFiles = new Map<string, string>()
  for (const path of filesOf(kubeconfig)) {
    for (const { name, user } of usersIn(path)) {
      const file = user?.tokenFile
      if (typeof name !== 'string' || typeof file !== 'string' || file === '' || tokenFiles.has(name)) continue
      tokenFiles.set(name, resolve(dirname(path), file))
    }
  }
  config.users = config.users.map(user => {
    const tokenFile = tokenFiles.get(user.name)
    if (tokenFile === undefined) return user
    const { token: _, ...rest } = user
    return { ...rest, authProvider: { name: 'tokenFile', config: { tokenFile } } } as typeof user
  })
}

/** The files that were loaded, the most important first. */
function filesOf(kubeconfig: string | undefined): readonly string[] {
  if (kubeconfig) return [kubeconfig]
  const files = (process.env.KUBECONFIG ?? '').split(delimiter).filter(path => path !== '')
  return files.length > 0 ? files : [join(homedir(), '.kube', 'config')]
}

/** None where the library found no file, as in a pod. */
function usersIn(
  path: string,
): readonly { readonly name?: unknown; readonly user?: { readonly tokenFile?: unknown } }[] {
  if (!existsSync(path)) return []
  const users = (parse(readFileSync(path, 'utf8')) as { users?: unknown } | null)?.users
  return Array.isArray(users) ? users.filter(user => typeof user === 'object' && user !== null) : []
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
