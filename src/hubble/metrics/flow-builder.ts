// SPDX-License-Identifier: Apache-2.0
/**
 * flow-builder.ts - makes the flow of one record, for records with a new key.
 *
 * In:    records; a Resolver.
 * Out:   the flow without time and id, which no label shows; undefined if Hubble makes none.
 */
import { CaptureRecord } from '../../datapath/record/capture-record.js'
import { DropRecord } from '../../datapath/record/drop-record.js'
import type { KernelReasons } from '../../datapath/record/reasons.js'
import { SockRecord } from '../../datapath/record/sock-record.js'
import { TraceRecord } from '../../datapath/record/trace-record.js'
import { VerdictRecord } from '../../datapath/record/verdict-record.js'
import type { Flow } from '../flow/flow.js'
import { FlowMaker } from '../flow/maker.js'
import type { Resolver } from '../flow/resolver.js'
import type { MakeFlow } from './metrics.js'

export function flowBuilder(resolver: Resolver, kernelReasons: KernelReasons, nodeName = ''): MakeFlow {
  let flow: Flow | undefined
  const maker = new FlowMaker({
    resolver,
    kernelReasons,
    now: () => '',
    uuid: () => '',
    nodeName,
    version: '',
    onFlow: made => {
      flow = made
    },
  })
  return record => {
    flow = undefined
    if (record instanceof TraceRecord) maker.trace(record)
    else if (record instanceof DropRecord) maker.drop(record)
    else if (record instanceof VerdictRecord) maker.verdict(record)
    else if (record instanceof CaptureRecord) maker.capture(record)
    else if (record instanceof SockRecord) maker.sock(record)
    return flow
  }
}
