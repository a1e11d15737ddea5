// SPDX-License-Identifier: Apache-2.0
/**
 * hubble-file.ts - reloads the file of hubble_* metrics when it changes.
 *
 * Out:   a changed file takes effect within seconds; an invalid one is logged and shows in the reload metrics.
 */
import { M } from '../../exporter/catalog/catalog.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import { DynamicConfig } from '../../hubble/metrics/dynamic-config.js'
import type { Hubble } from '../../hubble/metrics/hubble.js'
import type { Log } from '../log.js'
import { type HubbleFile, parseHubbleFile } from '../options/hubble-options.js'
import type { Exclusive } from './config-reload.js'
import { ReloadStatus } from './reload-status.js'

const METRICS = {
  successful: M.hubbleConfigReloadSuccessful,
  time: M.hubbleConfigReloadTime,
  reloads: M.hubbleConfigReloads,
}

/** `file` is in effect already. Call start() to watch it. */
export function hubbleFileWatch(
  hubble: Hubble,
  { path, text }: HubbleFile,
  store: SeriesStore,
  log: Log,
  exclusive: Exclusive,
): DynamicConfig {
  const status = new ReloadStatus(store, METRICS)
  const listener = {
    exclusive,
    apply: hubble.reconfigure.bind(hubble),
    onApplied() {
      status.applied()
      log.info({ file: path }, 'hubble metrics file reloaded')
    },
    onRefused(error: Error) {
      status.refused()
      log.error({ file: path, err: error.message }, 'hubble metrics file reload failed, keeping the previous one')
    },
  }
  return new DynamicConfig(path, content => parseHubbleFile(path, content), listener, text)
}
