// SPDX-License-Identifier: Apache-2.0
/**
 * agent-http.ts - HTTP servers and clients in a pod.
 *
 * In:    a port and an upstream to call before each response; or a server and the number of requests.
 * Out:   200 when the upstream responded, 502 when it did not; a client's responses by status.
 * Fail:  listen() errors reject; a failed request is counted by its code.
 */
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import { tcpStorm } from './agent-tcp.js'
import type { HttpAnswers, HttpLoad, HttpServe } from './calls.js'
import { concurrently, errorName } from './concurrent.js'

const REQUEST_TIMEOUT_MS = 5_000
const keepAlive = new Agent({ keepAlive: true })
const oneShot = new Agent({ keepAlive: false })

/** Responds to every request, after calling the upstream if there is one. */
export async function httpServe({ port, upstream }: HttpServe): Promise<void> {
  const server = createServer((_request, response) => {
    const upstreamOk = upstream === undefined ? Promise.resolve(true) : ask(upstream)
    upstreamOk.then(ok => {
      response.statusCode = ok ? 200 : 502
      response.end(JSON.stringify({ ok }))
    })
  })
  server.listen(port, '::')
  await once(server, 'listening')
}

/** Sends `count` requests for `/`. */
export async function httpLoad(args: HttpLoad): Promise<HttpAnswers> {
  const counts = await concurrently(args.count, args.concurrency, () => request(args))
  return counts.all
}

async function ask({ kind, host, port }: NonNullable<HttpServe['upstream']>): Promise<boolean> {
  if (kind === 'http') return (await request({ host, port, keepAlive: true })) === '200'
  const { succeeded } = await tcpStorm({ host, ports: [port], count: 1, concurrency: 1, timeoutMs: REQUEST_TIMEOUT_MS })
  return succeeded === 1
}

type Target = Pick<HttpLoad, 'host' | 'port' | 'keepAlive' | 'timeoutMs'>

/** The status of the response, or the error code. */
function request(target: Target): Promise<string> {
  const { host, port, timeoutMs = REQUEST_TIMEOUT_MS } = target
  const agent = target.keepAlive === true ? keepAlive : oneShot
  return new Promise(resolve => {
    const sent = get({ host, port, agent, signal: AbortSignal.timeout(timeoutMs) }, response => {
      response.on('error', reason => resolve(errorName(reason)))
      response.on('end', () => resolve(String(response.statusCode)))
      response.resume()
    })
    sent.on('error', reason => resolve(reason.name === 'AbortError' ? 'ETIMEDOUT' : errorName(reason)))
  })
}
