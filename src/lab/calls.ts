/**
 * calls.ts - what an agent can be asked to do: the contract of agent.ts and traffic.ts.
 *
 * In:    one JSON line a request on the agent's stdin: { id, call, args }.
 * Out:   one JSON line an answer on its stdout: { id, result } or { id, error }.
 *
 * Hosts are literal addresses, IPv4 or IPv6. Times are milliseconds.
 */

export interface TcpServe {
  readonly ports: readonly number[]
}

export interface TcpStorm {
  readonly host: string
  /** Used in turn: several ports make room for more connections than one has local ports. */
  readonly ports: readonly number[]
  readonly count: number
  readonly concurrency: number
  /** Bytes sent, and bytes waited for before closing; 64 unless told. */
  readonly size?: number
  /** How the client closes: `fin` unless told. */
  readonly close?: 'fin' | 'reset'
  /** For each connection, from connect to close; 10,000 unless told. */
  readonly timeoutMs?: number
}

/** succeeded + failed = count; failures by error code, ETIMEDOUT for our own deadline. */
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
  /** `dns` answers A queries for any name under `.svc`, and NXDOMAIN to the rest. */
  readonly answer: 'none' | 'echo' | 'dns'
}

export interface UdpSend {
  readonly host: string
  readonly port: number
  readonly count: number
  /** Bytes of payload. */
  readonly size: number
  /** Wait for each datagram to come back, a few under way at a time. */
  readonly echo?: boolean
}

export interface UdpSent {
  readonly sent: number
  /** 0 unless echo was asked for. */
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
  /** For each answer; 2,000 unless told. */
  readonly timeoutMs?: number
}

/** Answers by response code: NOERROR, NXDOMAIN, ... or `timeout`. */
export type DnsAnswers = Readonly<Record<string, number>>

export interface HttpServe {
  readonly port: number
  /** Asked before each answer: another such server, or a tcpServe. */
  readonly upstream?: { readonly kind: 'http' | 'tcp'; readonly host: string; readonly port: number }
}

export interface HttpLoad {
  readonly host: string
  readonly port: number
  readonly count: number
  readonly concurrency: number
  /** Keep connections between requests; false unless told. */
  readonly keepAlive?: boolean
  /** For each request; 5,000 unless told. */
  readonly timeoutMs?: number
}

/** Answers by status, failures by error code. */
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
