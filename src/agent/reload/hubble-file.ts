/**
 * hubble-file.ts - the file of dynamic metrics of a running exporter, followed.
 *
 * Out:   a changed file is in force seconds later; one that is refused is told in the log and in a metric.
 */
import { DynamicConfig } from '../../hubble/metrics/dynamic-config.js'
import type { Hubble } from '../../hubble/metrics/hubble.js'
import type { Log } from '../log.js'
import { type HubbleFile, parseHubbleFile } from '../options/hubble-options.js'
import type { Exclusive } from './config-reload.js'

/** Follow `file`, which is in force; call the answer to stop. */
export function watchHubbleFile(
  hubble: Hubble,
  { path, text }: HubbleFile,
  log: Log,
  exclusive: Exclusive,
): () => void {
  hubble.setFileStatus(true)
  const listener = {
    exclusive,
    apply: hubble.reconfigure.bind(hubble),
    onApplied() {
      hubble.setFileStatus(true, 'applied')
      log.info({ file: path }, 'hubble metrics configured anew')
    },
    onRefused(error: Error) {
      hubble.setFileStatus(false, 'refused')
      log.error({ file: path, err: error.message }, 'hubble metrics stay as they were')
    },
  }
  const config = new DynamicConfig(path, content => parseHubbleFile(path, content), listener, text)
  config.start()
  return () => config.stop()
}
