// SPDX-License-Identifier: Apache-2.0
/**
 * agent.ts - the program that sends and receives a pod's traffic, inside the pod's namespace.
 *
 * In:    requests on stdin, one JSON line each; see calls.ts.
 * Out:   answers on stdout, in the order of completion.
 * Fail:  the answer to a call that throws contains its error.
 *
 * It exits when stdin is closed, so no agent outlives the lab's process.
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
    // The types in agent-client.ts ensure that the arguments match the call.
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
// Open servers would keep the event loop alive forever.
lines.on('close', () => process.exit(0))
