// SPDX-License-Identifier: Apache-2.0
/**
 * message-type.ts - kinds of monitor messages by the names that `-t` and Cilium's options take.
 *
 * Out:   the first byte of a message (cilium/cilium bpf/lib/notify.h, pkg/monitor/api/types.go). Types from 129
 *        come from Cilium's agent, never from the ring.
 */
import { Notify } from './abi.js'

export const MESSAGE_TYPES = {
  drop: Notify.drop,
  debug: Notify.debug,
  capture: Notify.capture,
  trace: Notify.trace,
  'policy-verdict': Notify.policyVerdict,
  'trace-sock': Notify.traceSock,
  l7: 129,
  agent: 130,
} as const

export type MessageType = keyof typeof MESSAGE_TYPES
