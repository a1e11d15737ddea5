/**
 * agent-tcp.ts - TCP in a pod: an echo server, and storms of short connections.
 *
 * In:    ports to listen on; or a server, how many connections and how to close them.
 * Out:   connections that got every byte back and were closed by both sides; failures by code.
 * Fail:  listen() errors reject; a failed connection is counted, never thrown.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { StormResult, TcpReceived, TcpServe, TcpStorm } from './calls.js'
import { concurrently } from './concurrent.js'

const BACKLOG = 4096
const CONNECTION_TIMEOUT_MS = 10_000
const DEFAULT_SIZE = 64
const received = { connections: 0, bytes: 0 }

/** Echo on each port, on all addresses of both families. */
export async function tcpServe({ ports }: TcpServe): Promise<void> {
  for (const port of ports) {
    const server = createServer({ noDelay: true }, echo)
    server.listen({ port, host: '::', backlog: BACKLOG })
    await once(server, 'listening')
  }
}

/** What all servers of this agent took since it started. */
export async function tcpReceived(): Promise<TcpReceived> {
  return { ...received }
}

/** Connect, send, receive as much, close; `count` times. */
export async function tcpStorm(args: TcpStorm): Promise<StormResult> {
  const payload = Buffer.alloc(args.size ?? DEFAULT_SIZE, 'weir')
  const counts = await concurrently(args.count, args.concurrency, n => visit(args, n, payload))
  const { ok: succeeded = 0, ...errors } = counts.all
  return { succeeded, failed: args.count - succeeded, errors }
}

function echo(socket: Socket): void {
  received.connections++
  // A peer that resets is what some storms are for.
  socket.on('error', () => undefined)
  socket.on('data', chunk => {
    received.bytes += chunk.length
    socket.write(chunk)
  })
}

/** One connection; `ok`, or why not. Over only when the socket is closed, so that every packet was sent by then. */
function visit(args: TcpStorm, n: number, payload: Buffer): Promise<string> {
  const { host, ports, close = 'fin', timeoutMs = CONNECTION_TIMEOUT_MS } = args
  const port = ports[n % ports.length]
  if (port === undefined) throw new Error('tcpStorm: ports is empty')
  return new Promise(resolve => {
    let missing = payload.length
    let result = 'ECONNRESET'
    const socket = connect({ host, port, noDelay: true })
    const deadline = setTimeout(() => {
      result = 'ETIMEDOUT'
      socket.destroy()
    }, timeoutMs)
    socket.on('data', chunk => {
      missing -= chunk.length
      if (missing > 0) return
      result = 'ok'
      if (close === 'reset') socket.resetAndDestroy()
      else socket.end()
    })
    socket.on('error', reason => {
      result = (reason as NodeJS.ErrnoException).code ?? reason.message
    })
    socket.on('close', () => {
      clearTimeout(deadline)
      resolve(result)
    })
    socket.write(payload)
  })
}
