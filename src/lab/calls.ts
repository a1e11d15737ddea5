// SPDX-License-Identifier: Apache-2.0
/**
 * calls.ts - the calls of an agent: the protocol between agent-client.ts and agent.ts.
 *
 * In:    one JSON line per request on the agent's stdin: { id, call, args }.
 * Out:   one JSON line per answer on its stdout: { id, result } or { id, error }.
 *
 * Hosts are literal addresses, IPv4 or IPv6. Times are in milliseconds.
 */

export interface TcpServe {
  readonly ports: readonly number[]
}

export interface TcpStorm {
  readonly host: string
  /** Used in turn: each destination port has its own range of local ports, so several allow more connections. */
  readonly ports: readonly number[]
  readonly count: number
  readonly concurrency: number
  /** Bytes to send, and to receive before closing; default 64. */
  readonly size?: number
  /** How the client closes; default `fin`. */
  readonly close?: 'fin' | 'reset'
  /** Limit of each connection from connect to close; default 10,000. */
  readonly timeoutMs?: number
}

/** succeeded + failed = count. `errors`: failures by error code, ETIMEDOUT for our own deadline. */
export interface StormResult {
  readonly succeeded: number
  readonly failed: number
  readonly errors: Readonly<Record<string, number>>
}

export interface TcpReceived {
  readonly connections: number
  readonly bytes: number
}

export interface UdpServe {
  readonly port: number
  /** `dns`: answers A queries for names under `.svc`, and NXDOMAIN for any other name. */
  readonly answer: 'none' | 'echo' | 'dns'
}

export interface UdpSend {
  readonly host: string
  readonly port: number
  readonly count: number
  /** Bytes of payload. */
  readonly size: number
  /** Waits for the echo of each datagram, with a few in flight. */
  readonly echo?: boolean
}

export interface UdpSent {
  readonly sent: number
  /** 0 without `echo`. */
  readonly echoed: number
}

export interface UdpReceived {
  readonly datagrams: number
  readonly bytes: number
}

export interface DnsQuery {
  readonly host: string
  readonly port: number
  readonly names: readonly string[]
  /** Limit of each answer; default 2,000. */
  readonly timeoutMs?: number
}

/** Answers by response code: NOERROR, NXDOMAIN, ... or `timeout`. */
export type DnsAnswers = Readonly<Record<string, number>>

export interface HttpServe {
  readonly port: number
  /** Called before each response: another HTTP server, or a tcpServe. */
  readonly upstream?: { readonly kind: 'http' | 'tcp'; readonly host: string; readonly port: number }
}

export interface HttpLoad {
  readonly host: string
  readonly port: number
  readonly count: number
  readonly concurrency: number
  /** Keeps connections open between requests; default false. */
  readonly keepAlive?: boolean
  /** Limit of each request; default 5,000. */
  readonly timeoutMs?: number
}

/** Responses by status, failures by error code. */
export type HttpAnswers = Readonly<Record<string, number>>

export interface Calls {
  tcpServe(args: TcpServe): Promise<void>
  tcpStorm(args: TcpStorm): Promise<StormResult>
  tcpReceived(args: Record<string, never>): Promise<TcpReceived>
  udpServe(args: UdpServe): Promise<void>
  udpSend(args: UdpSend): Promise<UdpSent>
  udpReceived(args: { readonly port: number }): Promise<UdpReceived>
  dnsQuery(args: DnsQuery): Promise<DnsAnswers>
  httpServe(args: HttpServe): Promise<void>
  httpLoad(args: HttpLoad): Promise<HttpAnswers>
}

export type CallName = keyof Calls

export interface Request {
  readonly id: number
  readonly call: CallName
  readonly args: unknown
}

export type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string }
