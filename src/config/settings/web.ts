// SPDX-License-Identifier: Apache-2.0
/**
 * web.ts - settings of the HTTP server.
 */
import { parseListenAddress } from '../../lib/listen-address.js'
import { listOf, parsed, path, text, toggle } from '../kind.js'
import { optional, setting } from '../setting.js'

const listenAddress = parsed('address', ':PORT, HOST:PORT or [IPV6]:PORT', word => {
  try {
    parseListenAddress(word)
  } catch (error) {
    throw new Error((error as Error).message.replace(/^.*?': expected/, 'allowed:'))
  }
  return word
})

const urlPath = text(
  'path',
  'a path like /metrics, but not / and nothing below /-/',
  word => /^\/[\w./-]+$/.test(word) && !word.startsWith('/-/'),
)

export const web = {
  web: setting(toggle, {
    help: 'serve metrics and health endpoints over HTTP',
    default: true,
    key: 'web.enabled',
  }),
  'web.listen-address': setting(listOf(listenAddress), { help: 'HTTP listen address', default: [':10960'] }),
  'web.telemetry-path': setting(urlPath, { help: 'path of the metrics page', default: '/metrics' }),
  'web.config.file': optional(path, {
    help: 'web config file in the Prometheus format: TLS, basic auth, headers, rate limit',
    defaultText: 'plain HTTP without authentication',
  }),
  'web.enable-lifecycle': setting(toggle, {
    help: 'reload the configuration on a POST to /-/reload, as on SIGHUP',
    default: false,
  }),
}
