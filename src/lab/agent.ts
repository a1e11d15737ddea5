/**
 * agent.ts - the program that makes and takes a pod's traffic; runs inside the pod's namespace.
 *
 * In:    requests on stdin, a JSON line each; see calls.ts.
 * Out:   answers on stdout, in the order in which they are ready.
 * Fail:  a call that throws is answered with its error.
 *
 * It ends when stdin does: whatever becomes of the lab's process, no agent outlives it.
 */
import { createInterface } from 'node:readline'
import { httpLoad, httpServe } from './agent-http.js'
import { tcpReceived, tcpServe, tcpStorm } from './agent-tcp.js'
import { dnsQuery, udpReceived, udpSend, udpServe } from './agent-udp.js'
import type { Answer, Calls, Request } from './calls.js'

const calls: Calls = {
  tcpServe,
  tcpStorm,
  tcpReceived,
  udpServe,
  udpSend,
  udpReceived,
  dnsQuery,
  httpServe,
  httpLoad,
}

async function answer({ id, call, args }: Request): Promise<Answer> {
  try {
    // traffic.ts pairs names with arguments; its types are the check.
    const handler = calls[call] as ((args: unknown) => Promise<unknown>) | undefined
    if (handler === undefined) throw new Error(`no such call: ${call}`)
    return { id, result: (await handler(args)) ?? null }
  } catch (reason) {
    return { id, error: reason instanceof Error ? reason.message : String(reason) }
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', async line => {
  const reply = await answer(JSON.parse(line) as Request)
  process.stdout.write(`${JSON.stringify(reply)}\n`)
})
// A program of its own, not the library: open servers would keep its event loop alive for ever.
lines.on('close', () => process.exit(0))
