/**
 * web-listener.ts - the listener's web config file in the commands: what became of it and whom it refused, in log and metrics.
 *
 * Fail:  a wrong file at the start is an InvalidConfig; later it is logged once a change.
 */
import { InvalidConfig } from '../config/problem.js'
import { M } from '../exporter/catalog/catalog.js'
import type { SeriesStore } from '../exporter/series/series.js'
import type { LineLog } from '../lib/log-limit.js'
import { REFUSAL_REASONS, type RefusalReason } from '../web/auth-filter.js'
import type { ListenerOptions } from '../web/listener.js'
import { WebConfigError } from '../web/web-config.js'
import { WebFile } from '../web/web-file.js'

const WORDS: Readonly<Record<RefusalReason, string>> = {
  body: 'request refused: it has a body',
  config: 'request refused: the web config file is wrong',
  rate_limit: 'request refused: beyond the rate limit',
  unauthorized: 'request refused: no valid user and password',
  busy: 'request refused: too many passwords to check',
  certificate: 'connection refused: client certificate',
  handshake: 'TLS handshake failed',
  malformed: 'request refused: not well-formed',
  timeout: 'request refused: not sent in time',
  evicted: 'connection closed: too many, and it was idle for longest',
}

/** Plain HTTP for everybody without a file. Whom it refuses is told to a log that holds back what a peer repeats. */
export function webOf(path: string | undefined, store: SeriesStore, log: LineLog): ListenerOptions {
  const file = path === undefined ? undefined : webFile(path, store, log)
  const counts = new Map(REFUSAL_REASONS.map(reason => [reason, store.family(M.webRefused).series([reason])]))
  const onRefused: ListenerOptions['onRefused'] = (reason, peer, problem) => {
    store.add(counts.get(reason)!, 1)
    log.warn({ peer, err: problem }, WORDS[reason])
  }
  return { file, onRefused }
}

function webFile(path: string, store: SeriesStore, log: LineLog): WebFile {
  const good = store.family(M.webConfigReloadSuccessful).series([])
  const onChange = (fault: string | undefined) => {
    store.set(good, fault === undefined ? 1 : 0)
    tellChange(path, fault, log)
  }
  store.set(good, 1)
  try {
    return new WebFile(path, { onChange })
  } catch (error) {
    if (!(error instanceof WebConfigError)) throw error
    throw new InvalidConfig([{ where: '', name: 'web.config.file', message: error.message }])
  }
}

function tellChange(file: string, fault: string | undefined, log: LineLog): void {
  if (fault === undefined) log.info({ file }, 'web config file read again')
  else log.error({ file, err: fault }, 'web config file or certificate is wrong')
}
