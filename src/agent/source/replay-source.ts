// SPDX-License-Identifier: Apache-2.0
/**
 * replay-source.ts - feeds an exporter with the records of a recording.
 *
 * Fail:  a recording that cannot be opened is thrown; damage found later is logged, and what precedes it stays counted.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Decoder } from '../../datapath/record/decode.js'
import { Replay } from '../../datapath/source/replay.js'
import { Rates } from '../../exporter/http/rates.js'
import type { LineLog } from '../../lib/log-limit.js'
import { explainFile, systemWords } from '../../lib/os-error.js'
import type { Exporter } from '../exporter.js'
import type { FlowApi } from '../flow-api.js'
import { teeSink } from '../tee-sink.js'
import { type RunningSource, recordsOf } from './running-source.js'

/** Records per turn of the event loop, so that scrapes are answered while the recording is read. */
const CHUNK = 20_000

export function startReplay(exporter: Exporter, file: string, api: FlowApi | undefined, log: LineLog): RunningSource {
  const replay = explainFile('recording', file, () => new Replay(file))
  const decoder = new Decoder()
  const sink = api === undefined ? exporter.sink : teeSink(exporter.sink, api.records(replay))
  let state = 'reading'
  let closed = false
  const read = async () => {
    for (let result = replay.run(decoder, sink, CHUNK); ; result = replay.run(decoder, sink, CHUNK)) {
      if (result.done || closed) {
        state = result.damage ?? (result.done ? 'recording read' : 'closed')
        const fields = { file, records: result.records, ...(replay.oddTimes > 0 && { oddTimes: replay.oddTimes }) }
        if (result.damage === undefined) log.info(fields, 'recording read')
        else log.error({ ...fields, err: result.damage }, 'recording damaged')
        return
      }
      await nextTurn()
    }
  }
  read().catch(error => {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    state = `recording ${file}: ${systemWords(error)}`
    log.error({ file, err: state }, 'reading the recording failed')
  })
  const rates = new Rates(() => ({ Records: recordsOf(decoder) }))
  return {
    decoder,
    rates,
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
