// SPDX-License-Identifier: Apache-2.0
/**
 * dns.ts - the part of DNS (RFC 1035, 4.1) that a lab needs: A queries with one question, and their answers.
 *
 * In:    a name to query; a received message.
 * Out:   messages.
 * Fail:  a message that is not a query gets no answer.
 */

const HEADER_BYTES = 12
const QUESTION_TAIL_BYTES = 4
const RESPONSE = 0x80
const RECURSION_AVAILABLE = 0x80
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const
const NXDOMAIN = 3
/** The zone of the lab's server, like services of a real cluster without the cluster domain. */
const ZONE = '.svc'

/** An A query, recursion desired. */
export function dnsQuestion(id: number, name: string): Buffer {
  const labels = name.split('.').map(label => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'))
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(id & 0xffff, 0)
  header.writeUInt16BE(0x0100, 2)
  header.writeUInt16BE(1, 4)
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])])
}

/** Answers 192.0.2.1 (TEST-NET-1) for a name in the zone, NXDOMAIN for any other; undefined if the message is not a query. */
export function dnsAnswer(query: Buffer): Buffer | undefined {
  const name = questionName(query)
  if (name === undefined || ((query[2] ?? 0) & RESPONSE) !== 0) return undefined
  const known = name.endsWith(ZONE)
  const question = Buffer.from(query.subarray(0, HEADER_BYTES + name.length + 2 + QUESTION_TAIL_BYTES))
  question[2] = (question[2] ?? 0) | RESPONSE
  question[3] = RECURSION_AVAILABLE | (known ? 0 : NXDOMAIN)
  question.writeUInt16BE(known ? 1 : 0, 6)
  // The name is a pointer to the question's; type A, class IN, TTL 5 s, 4 bytes.
  const record = [0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 192, 0, 2, 1]
  return known ? Buffer.concat([question, Buffer.from(record)]) : question
}

/** The name of the response code, e.g. `NXDOMAIN`; `malformed` if the message is not a response. */
export function dnsResult(message: Buffer): string {
  if (message.length < HEADER_BYTES || ((message[2] ?? 0) & RESPONSE) === 0) return 'malformed'
  const code = (message[3] ?? 0) & 0x0f
  return RCODES[code] ?? `RCODE${code}`
}

/** The dotted name of the first question; undefined if the message is truncated. */
function questionName(query: Buffer): string | undefined {
  const labels: string[] = []
  for (let at = HEADER_BYTES; at < query.length; ) {
    const length = query[at] ?? 0
    if (length === 0)
      return query.length >= at + 1 + QUESTION_TAIL_BYTES && labels.length > 0 ? labels.join('.') : undefined
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return undefined
}
