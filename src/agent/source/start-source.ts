/**
 * start-source.ts - a source that feeds an exporter: the kernel's records, or a recording's.
 *
 * Fail:  what the system refuses at the start is thrown; later it is logged, and told by notReady().
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SourceChoice } from '../../config/settings/source.js'
import { Hook } from '../../datapath/record/abi.js'
import { Decoder } from '../../datapath/record/decode.js'
import { Live, type LiveOptions } from '../../datapath/source/live.js'
import { loadNative } from '../../datapath/source/native.js'
import { Replay } from '../../datapath/source/replay.js'
import { type Counts, Rates } from '../../exporter/http/rates.js'
import type { LineLog } from '../../lib/log-limit.js'
import { explainFile, systemWords } from '../../lib/os-error.js'
import { type Exporter, updateSelf } from '../exporter.js'
import type { FlowApi } from '../flow-api.js'
import { tee } from '../tee-sink.js'
import { explainKernel } from './kernel-errors.js'

/** What a running exporter is made of, besides its server. */
export interface Running {
  readonly live?: Live
  readonly rates: Rates
  collect(): void
  notReady(): string | undefined
  status(): readonly (readonly [string, string])[]
  close(): void
}

interface Options extends LiveOptions {
  readonly source: SourceChoice
}

/** Records of a recording between two looks at the event loop. */
const REPLAY_CHUNK = 20_000

/** Start the source that the options choose. */
export function startSource(exporter: Exporter, options: Options, api: FlowApi | undefined, log: LineLog): Running {
  const { source } = options
  return source.kind === 'live' ? startLive(exporter, options, api, log) : startReplay(exporter, source.file, api, log)
}

function startLive(exporter: Exporter, options: LiveOptions, api: FlowApi | undefined, log: LineLog): Running {
  const live: Live = explainKernel(
    () =>
      new Live(loadNative(), exporter.entities, options, exporter.sink, {
        onError: (error, what) => log.error({ what, err: error.message }, 'attach failed'),
        ...(api && { onFrames: (frames, length) => api.frames(frames, length, live.ringLost()) }),
      }),
  )
  exporter.names.live = live
  const watched = live.interfaces.names()
  log.info({ interfaces: watched.length, first: watched.slice(0, 5) }, 'watching')
  const rates = new Rates(() => ({ ...seenBy(live), Records: recordsOf(live.decoder) }))
  return {
    live,
    rates,
    collect() {
      live.collect()
      updateSelf(exporter, live.decoder, live)
    },
    notReady: () => live.trouble,
    status: () => [
      ['source', 'live'],
      ['state', live.trouble ?? 'well'],
      ['pod interfaces', String(live.interfaces.count(Hook.pod))],
      ['uplinks', String(live.interfaces.count(Hook.uplink))],
      ['connections', `${live.connectionsUsed} of ${live.connectionsLimit}`],
      ['records lost', String(live.ringLost())],
    ],
    close() {
      rates.stop()
      live.close()
    },
  }
}

/** Reads on between scrapes, so that they are answered while it lasts. */
function startReplay(exporter: Exporter, file: string, api: FlowApi | undefined, log: LineLog): Running {
  const replay = explainFile('recording', file, () => new Replay(file))
  const decoder = new Decoder()
  const sink = api === undefined ? exporter.sink : tee(exporter.sink, api.records(replay))
  let state = 'reading'
  let closed = false
  const read = async () => {
    for (let result = replay.run(decoder, sink, REPLAY_CHUNK); ; result = replay.run(decoder, sink, REPLAY_CHUNK)) {
      if (result.done || closed) {
        state = result.damage ?? (result.done ? 'read to its end' : 'closed')
        const line = { file, records: result.records }
        if (result.damage === undefined) log.info(line, 'recording read')
        else log.error({ ...line, err: result.damage }, 'recording is damaged')
        return
      }
      await nextTurn()
    }
  }
  read().catch(error => {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    state = `recording ${file}: ${systemWords(error)}`
    log.error({ file, err: state }, 'recording cannot be read')
  })
  const rates = new Rates(() => ({ Records: recordsOf(decoder) }))
  return {
    rates,
    collect: () => updateSelf(exporter, decoder),
    notReady: () => (state === 'reading' ? 'reading the recording' : undefined),
    status: () => [
      ['source', `replay:${file}`],
      ['state', state],
    ],
    close() {
      closed = true
      rates.stop()
      replay.close()
    },
  }
}

/** As of the last sweep. */
function seenBy({ counters: { totals } }: Live): Counts {
  const hooks = [totals.seen_from_pod, totals.seen_to_pod, totals.seen_uplink_out, totals.seen_uplink_in]
  const sum = (of: 'packets' | 'bytes') => hooks.reduce((total, hook) => total + hook[of], 0)
  return { Packets: sum('packets'), Bytes: sum('bytes'), Drops: totals.drops_seen.packets }
}

function recordsOf({ counts }: Decoder): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
