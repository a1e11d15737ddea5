// SPDX-License-Identifier: Apache-2.0
/**
 * message.ts - converts flows and responses between their JSON form and the protobuf library's objects.
 *
 * In:    the JSON form of flow.ts: times as text, is_reply as true, false or absent.
 * Out:   the same with well-known types expanded (Timestamp, BoolValue, Int32Value), and back.
 * Never: modifies its input.
 */
import type { Flow, LostEvent } from '../flow/flow.js'
import { flowTime } from '../flow/time.js'
import type { FlowResponse } from '../observe/response.js'
import type { UnixTime } from './cursor.js'

/** A message in the library's form. */
export type Message = Readonly<Record<string, unknown>>

export interface Timestamp {
  readonly seconds?: string | number
  readonly nanos?: number
}

const NS_DIGITS = 9

export function encodeResponse({ flow, lost_events: lost, time, ...rest }: FlowResponse): Message {
  return {
    ...rest,
    ...(flow === undefined ? {} : { flow: encodeFlow(flow) }),
    ...(lost === undefined ? {} : { lost_events: encodeLost(lost) }),
    ...(time === undefined ? {} : { time: timestamp(time) }),
  }
}

export function decodeResponse(message: Message): FlowResponse {
  const {
    flow,
    lost_events: lost,
    time,
    ...rest
  } = message as {
    flow?: Message
    lost_events?: Message
    time?: Timestamp
  }
  return {
    ...(flow === undefined ? {} : { flow: decodeFlow(flow) }),
    ...(lost === undefined ? {} : { lost_events: decodeLost(lost) }),
    ...rest,
    ...(time === undefined ? {} : { time: timeText(time) }),
  }
}

function encodeFlow(flow: Flow): Message {
  const message: Record<string, unknown> = { ...flow }
  if (flow.time !== undefined) message.time = timestamp(flow.time)
  if (flow.is_reply !== undefined) message.is_reply = { value: flow.is_reply }
  return message
}

/** Drops `extensions`: only the sender knows their types. */
function decodeFlow(message: Message): Flow {
  const { extensions: _, ...fields } = message
  const flow: Record<string, unknown> = fields
  if (fields.time !== undefined) flow.time = timeText(fields.time as Timestamp)
  if (fields.is_reply !== undefined) flow.is_reply = (fields.is_reply as { value?: boolean }).value ?? false
  return flow as Flow
}

function encodeLost({ cpu, first, last, ...rest }: LostEvent): Message {
  return {
    ...rest,
    ...(cpu === undefined ? {} : { cpu: { value: cpu } }),
    ...(first === undefined ? {} : { first: timestamp(first) }),
    ...(last === undefined ? {} : { last: timestamp(last) }),
  }
}

function decodeLost(message: Message): LostEvent {
  const { cpu, first, last, ...rest } = message as { cpu?: { value?: number }; first?: Timestamp; last?: Timestamp }
  return {
    ...rest,
    ...(cpu === undefined ? {} : { cpu: cpu.value ?? 0 }),
    ...(first === undefined ? {} : { first: timeText(first) }),
    ...(last === undefined ? {} : { last: timeText(last) }),
  }
}

/** From RFC 3339 text in UTC with up to nine fractional digits. */
export function timestamp(text: string): Timestamp {
  const [whole, digits = ''] = text.replace(/Z$/, '').split('.')
  return { seconds: Date.parse(`${whole}Z`) / 1000, nanos: Number(digits.padEnd(NS_DIGITS, '0')) }
}

function timeText({ seconds = 0, nanos = 0 }: Timestamp): string {
  return flowTime(Number(seconds), nanos)
}

export function unixTime(time: Timestamp): UnixTime {
  return { seconds: Number(time.seconds ?? 0), nanoseconds: time.nanos ?? 0 }
}
