/**
 * web.ts - the listener's web config file in the commands: what became of it, and whom it refused, in the log.
 *
 * Fail:  a wrong file at the start is a RefusedConfig; later it is logged once a change.
 */
import { RefusedConfig } from '../config/problem.js'
import { LogLimit } from '../exporter/log-limit.js'
import type { Refusal } from '../web/gate.js'
import type { ListenerOptions } from '../web/listener.js'
import { WebConfigError } from '../web/web-config.js'
import { WebFile } from '../web/web-file.js'
import type { Log } from './log.js'

const WORDS: Readonly<Record<Refusal, string>> = {
  body: 'request refused: it has a body',
  config: 'request refused: the web config file is wrong',
  rate_limit: 'request refused: beyond the rate limit',
  unauthorized: 'request refused: no valid user and password',
  busy: 'request refused: too many passwords to check',
  certificate: 'connection refused: client certificate',
  handshake: 'TLS handshake failed',
  malformed: 'request refused: not well-formed',
  timeout: 'request refused: not sent in time',
}

export interface Web {
  readonly options: ListenerOptions
  /** Tells what was held back of the log. */
  close(): void
}

/** Plain HTTP and nobody refused without a file. */
export function webOf(path: string | undefined, log: Log): Web {
  const file = path === undefined ? undefined : webFile(path, log)
  const limit = new LogLimit(log)
  const refused: ListenerOptions['refused'] = (why, peer, fault) => limit.warn(why, { peer, err: fault }, WORDS[why])
  return { options: { file, refused }, close: () => limit.close() }
}

function webFile(path: string, log: Log): WebFile {
  try {
    return new WebFile(path, { onChange: fault => tellChange(path, fault, log) })
  } catch (error) {
    if (!(error instanceof WebConfigError)) throw error
    throw new RefusedConfig([{ where: '', name: 'web.config.file', message: error.message }])
  }
}

function tellChange(file: string, fault: string | undefined, log: Log): void {
  if (fault === undefined) log.info({ file }, 'web config file read again')
  else log.error({ file, err: fault }, 'web config file or certificate is wrong')
}
