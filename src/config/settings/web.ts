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
  'a path like /metrics, but not / and not below /-/',
  word => /^\/[\w./-]+$/.test(word) && !word.startsWith('/-/'),
)

export const web = {
  web: setting(toggle, {
    help: 'serve metrics and health over HTTP; without it nothing listens',
    default: true,
    key: 'web.enabled',
  }),
  'web.listen-address': setting(listOf(listenAddress), { help: 'where to serve', default: [':10960'] }),
  'web.telemetry-path': setting(urlPath, { help: 'where the metrics are', default: '/metrics' }),
  'web.config.file': optional(path, {
    help: 'a file of TLS, passwords, headers and rate limit as Prometheus has it',
    defaultText: 'plain HTTP for everybody',
  }),
  'web.enable-lifecycle': setting(toggle, {
    help: 'let a POST to /-/reload read the configuration anew, as SIGHUP does',
    default: false,
  }),
}
