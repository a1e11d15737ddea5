// SPDX-License-Identifier: Apache-2.0
/**
 * live-source.ts - feeds an exporter with the records of this machine's kernel.
 *
 * Fail:  an error of the system at the start is thrown; later ones are logged and make notReady() return them.
 */

import type { OnBypass } from '../../config/settings/source.js'
import { Hook } from '../../datapath/record/abi.js'
import { Live, type LiveOptions } from '../../datapath/source/live.js'
import { loadNative } from '../../datapath/source/native.js'
import { type Counts, Rates } from '../../exporter/http/rates.js'
import type { LineLog } from '../../lib/log-limit.js'
import type { Exporter } from '../exporter.js'
import type { FlowApi } from '../flow-api.js'
import { teeSink } from '../tee-sink.js'
import { BypassWatch } from './bypass-watch.js'
import { explainKernel } from './kernel-errors.js'
import { logKernelError } from './kernel-log.js'
import { type RunningSource, recordsOf } from './running-source.js'

export interface LiveSourceOptions extends LiveOptions {
  readonly onBypass: OnBypass
}

export function startLive(
  { entities, resolver, sink }: Exporter,
  options: LiveSourceOptions,
  api: FlowApi | undefined,
  log: LineLog,
): RunningSource {
  const bypass = new BypassWatch(ifindex => live.interfaces.watched(ifindex), options.onBypass, log)
  const live: Live = explainKernel(
    () =>
      new Live(loadNative(), entities, options, teeSink(sink, bypass.check), {
        onError: (error, what) => logKernelError(log, error, what),
        onNames(changes) {
          entities.apply(changes)
          resolver.apply(changes)
        },
        onFlushed: startedMs => bypass.check.flushed(startedMs),
        ...(api && { onFrames: (frames, length) => api.frames(frames, length, live.ringLost()) }),
      }),
  )
  const names = live.interfaces.names()
  log.info({ interfaces: names.length, first: names.slice(0, 5) }, 'watching interfaces')
  const rates = new Rates(() => ({ ...trafficOf(live), Records: recordsOf(live.decoder) }))
  return {
    decoder: live.decoder,
    live,
    bypass: bypass.check,
    rates,
    notReady: () => live.trouble ?? bypass.notReady,
    status: () => [
      ['source', 'live'],
      ['state', live.trouble ?? 'ok'],
      ['pod interfaces', String(live.interfaces.count(Hook.pod))],
      ['uplinks', String(live.interfaces.count(Hook.uplink))],
      ['bypassed interfaces', bypass.status],
      ['connections', `${live.connectionsUsed} of ${live.connectionsLimit}`],
      ['records lost', String(live.ringLost())],
    ],
    close() {
      rates.stop()
      bypass.stop()
      live.close()
    },
  }
}

/** As of the last flush of the kernel tables. */
function trafficOf({ counters: { totals } }: Live): Counts {
  const hooks = [totals.seen_from_pod, totals.seen_to_pod, totals.seen_uplink_out, totals.seen_uplink_in]
  const sum = (unit: 'packets' | 'bytes') => hooks.reduce((total, hook) => total + hook[unit], 0)
  return { Packets: sum('packets'), Bytes: sum('bytes'), Drops: totals.drops_seen.packets }
}
