/**
 * flow-of.ts - the flow of one record in hand, for what is not counted yet.
 *
 * In:    records; a Directory, as for every other reader of flows.
 * Out:   the flow without time and id, which no label shows; undefined where Hubble makes none.
 */
import { CaptureRecord } from '../datapath/capture-record.js'
import type { Directory } from '../datapath/directory.js'
import { DropRecord } from '../datapath/drop-record.js'
import type { Flow } from '../datapath/flow.js'
import { FlowMaker } from '../datapath/flow-maker.js'
import type { KernelReasons } from '../datapath/reasons.js'
import { SockRecord } from '../datapath/sock-record.js'
import { TraceRecord } from '../datapath/trace-record.js'
import { VerdictRecord } from '../datapath/verdict-record.js'
import type { FlowOf } from './metrics.js'

export function flowOf(directory: Directory, kernelReasons: KernelReasons, nodeName = ''): FlowOf {
  let made: Flow | undefined
  const maker = new FlowMaker({
    directory,
    kernelReasons,
    now: () => '',
    uuid: () => '',
    nodeName,
    version: '',
    tell: flow => {
      made = flow
    },
  })
  return record => {
    made = undefined
    if (record instanceof TraceRecord) maker.trace(record)
    else if (record instanceof DropRecord) maker.drop(record)
    else if (record instanceof VerdictRecord) maker.verdict(record)
    else if (record instanceof CaptureRecord) maker.capture(record)
    else if (record instanceof SockRecord) maker.sock(record)
    return made
  }
}
