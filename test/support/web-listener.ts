/**
 * web-listener.ts - a listener with a web config file for tests, and requests to it.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { createListener } from '../../src/web/listener.js'
import { WebFile } from '../../src/web/web-file.js'

/** Serves `page` to admitted requests. `clock.now` is the file's clock; look() moves it on, so that the file is checked. */
export async function listening(t: Test, path?: string) {
  const clock = { now: 0 }
  const changes: (string | undefined)[] = []
  const refusals: string[] = []
  const file =
    path === undefined
      ? undefined
      : new WebFile(path, { now: () => clock.now, onChange: problem => changes.push(problem) })
  const listener = createListener({ file, onRefused: reason => refusals.push(reason) }, (_, response) =>
    response.end('page'),
  )
  const { server, authFilter } = listener
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
    authFilter.close()
  })
  const { port } = server.address() as AddressInfo
  const get = (asked: RequestOptions = {}) => ask(port, file?.current().secure !== undefined, asked)
  return { ...listener, port, get, clock, changes, refusals, look: () => (clock.now += 1000) }
}

/** The status of a response, or the error code. */
export async function statusOf(answer: Promise<{ status: number }>): Promise<number | string> {
  try {
    return (await answer).status
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message
  }
}

export function ask(port: number, secure: boolean, asked: RequestOptions) {
  const request = secure ? httpsRequest : httpRequest
  const options = { host: '127.0.0.1', port, agent: false as const, rejectUnauthorized: false, ...asked }
  return new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
    const sent = request(options, async response => {
      const parts: Buffer[] = []
      response.on('error', reject)
      for await (const part of response) parts.push(part)
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts).toString() })
    })
    sent.on('error', reject).end()
  })
}

export const basic = (user: string, password: string) => ({
  headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
})

/** Opens a connection and sends `text`. `closed` resolves with everything received once the connection is closed. */
export function raw(port: number, text: string): { socket: Socket; closed: Promise<string> } {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  let got = ''
  socket.on('data', data => {
    got += data
  })
  const closed = new Promise<string>(resolve => {
    socket.on('error', () => {})
    socket.once('close', () => resolve(got))
  })
  return { socket, closed }
}
