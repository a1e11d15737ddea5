// SPDX-License-Identifier: Apache-2.0
/**
 * web-listener.ts - options of the HTTP listener: the web config file and refused requests, with their logs and metrics.
 *
 * Fail:  an invalid web config file at the start is an InvalidConfig; later it is logged once per change.
 */
import { InvalidConfig } from '../config/problem.js'
import { M } from '../exporter/catalog/catalog.js'
import type { SeriesStore } from '../exporter/series/series.js'
import type { LineLog } from '../lib/log-limit.js'
import { REFUSAL_REASONS, type RefusalReason } from '../web/auth-filter.js'
import type { ListenerOptions } from '../web/listener.js'
import { WebConfigError } from '../web/web-config.js'
import { WebFile } from '../web/web-file.js'
import { ReloadStatus } from './reload/reload-status.js'

const MESSAGES: Readonly<Record<RefusalReason, string>> = {
  body: 'request refused: it has a body',
  config: 'request refused: the web config file is invalid',
  rate_limit: 'request refused: rate limit exceeded',
  unauthorized: 'request refused: no valid user and password',
  busy: 'request refused: too many pending password checks',
  scrapes: 'scrape refused: too many concurrent scrapes',
  memory: 'scrape refused: pages that are being sent take too much memory',
  certificate: 'connection refused: invalid client certificate',
  handshake: 'TLS handshake failed',
  malformed: 'request refused: malformed',
  timeout: 'request refused: timed out',
  evicted: 'connection closed: too many connections, and this one was idle for longest',
}

/** Without a file: plain HTTP without authentication. `log` must limit lines, because peers can cause them. */
export function listenerOptions(path: string | undefined, store: SeriesStore, log: LineLog): ListenerOptions {
  const file = path === undefined ? undefined : openWebFile(path, store, log)
  const counters = new Map(REFUSAL_REASONS.map(reason => [reason, store.family(M.webRefused).series([reason])]))
  const onRefused: ListenerOptions['onRefused'] = (reason, peer, problem) => {
    store.add(counters.get(reason)!, 1)
    log.warn({ peer, err: problem }, MESSAGES[reason])
  }
  return { file, onRefused }
}

function openWebFile(path: string, store: SeriesStore, log: LineLog): WebFile {
  const status = new ReloadStatus(store, { successful: M.webConfigReloadSuccessful, time: M.webConfigReloadTime })
  const onChange = (fault: string | undefined) => {
    if (fault === undefined) {
      status.applied()
      log.info({ file: path }, 'web config file reloaded')
    } else {
      status.refused()
      log.error({ file: path, err: fault }, 'web config file or certificate invalid')
    }
  }
  try {
    return new WebFile(path, { onChange })
  } catch (error) {
    if (!(error instanceof WebConfigError)) throw error
    throw new InvalidConfig([{ where: '', name: 'web.config.file', message: error.message }])
  }
}
