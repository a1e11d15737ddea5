// SPDX-License-Identifier: Apache-2.0
/**
 * agent-udp.ts - UDP in a pod: servers that count, echo or answer DNS; senders of an exact number of datagrams.
 *
 * In:    addresses, counts and sizes.
 * Out:   numbers of datagrams sent, echoed, and received by a server.
 * Fail:  socket errors reject; a missing echo or answer shows in the counts.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { DnsAnswers, DnsQuery, UdpReceived, UdpSend, UdpSent, UdpServe } from './calls.js'
import { Counts } from './concurrent.js'
import { dnsAnswer, dnsQuestion, dnsResult } from './dns.js'

/** Datagrams in flight: far fewer than a receive buffer holds, so none is lost to a full one. */
const WINDOW = 32
const ECHO_TIMEOUT_MS = 2_000
const DNS_TIMEOUT_MS = 2_000

interface Server {
  datagrams: number
  bytes: number
}
const servers = new Map<number, Server>()

/** Listens on all IPv4 and IPv6 addresses. */
export async function udpServe({ port, answer }: UdpServe): Promise<void> {
  const socket = createSocket('udp6')
  const server = { datagrams: 0, bytes: 0 }
  socket.on('message', (message, from) => {
    server.datagrams++
    server.bytes += message.length
    const reply = answer === 'none' ? undefined : answer === 'echo' ? message : dnsAnswer(message)
    if (reply !== undefined) socket.send(reply, from.port, from.address)
  })
  socket.bind(port, '::')
  await once(socket, 'listening')
  servers.set(port, server)
}

/** What the server on a port has received since it started. */
export async function udpReceived({ port }: { readonly port: number }): Promise<UdpReceived> {
  const server = servers.get(port)
  if (server === undefined) throw new Error(`udpReceived: no server on port ${port}`)
  return { ...server }
}

/** Sends exactly `count` datagrams from one port; without echo, as fast as possible. */
export async function udpSend({ host, port, count, size, echo = false }: UdpSend): Promise<UdpSent> {
  const socket = await open(host)
  const payload = Buffer.alloc(size, 'weir')
  let echoed = 0
  for (let sent = 0; sent < count; ) {
    const window = Math.min(WINDOW, count - sent)
    const back = echo ? countMessages(socket, window) : undefined
    await Promise.all(Array.from({ length: window }, () => send(socket, payload, port, host)))
    sent += window
    echoed += (await back) ?? 0
  }
  socket.close()
  return { sent: count, echoed }
}

/** Sends one query after the other, from one port. */
export async function dnsQuery({ host, port, names, timeoutMs = DNS_TIMEOUT_MS }: DnsQuery): Promise<DnsAnswers> {
  const socket = await open(host)
  const counts = new Counts()
  for (const [id, name] of names.entries()) {
    const answer = nextMessage(socket, timeoutMs)
    await send(socket, dnsQuestion(id, name), port, host)
    const message = await answer
    counts.add(message === undefined ? 'timeout' : dnsResult(message))
  }
  socket.close()
  return counts.all
}

async function open(host: string): Promise<Socket> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  // An ICMP unreachable for an earlier datagram is no failure of ours; it shows in the counts.
  socket.on('error', () => undefined)
  socket.bind()
  await once(socket, 'listening')
  return socket
}

function send(socket: Socket, payload: Buffer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(payload, port, host, reason => (reason === null ? resolve() : reject(reason)))
  })
}

/** Counts received messages, up to `wanted`, until the deadline. */
function countMessages(socket: Socket, wanted: number): Promise<number> {
  return new Promise(resolve => {
    let got = 0
    const done = (): void => {
      clearTimeout(deadline)
      socket.off('message', onMessage)
      resolve(got)
    }
    const onMessage = (): void => {
      got++
      if (got === wanted) done()
    }
    const deadline = setTimeout(done, ECHO_TIMEOUT_MS)
    socket.on('message', onMessage)
  })
}

function nextMessage(socket: Socket, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    const onMessage = (message: Buffer, _: RemoteInfo): void => {
      clearTimeout(deadline)
      resolve(message)
    }
    const deadline = setTimeout(() => {
      socket.off('message', onMessage)
      resolve(undefined)
    }, timeoutMs)
    socket.once('message', onMessage)
  })
}
