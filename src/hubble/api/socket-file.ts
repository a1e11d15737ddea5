// SPDX-License-Identifier: Apache-2.0
/**
 * socket-file.ts - prepares the path of a unix socket: creates its folder, removes the socket of a dead process.
 *
 * Fail:  an Error when another process listens on the path, or when the path is not a socket; system errors pass through.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'

/** Others cannot enter, so the socket is protected even before its own mode is set. */
const DIRECTORY_MODE = 0o750
const SOCKET_MODE = 0o660

export async function prepareSocketPath(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  const existing = lstatSync(path, { throwIfNoEntry: false })
  if (existing === undefined) return
  if (!existing.isSocket()) throw new Error(`${path}: exists and is not a socket`)
  if (await isListening(path)) throw new Error(`${path}: another process is listening`)
  unlinkSync(path)
}

/** Owner and group may read and write, as with Cilium's sockets. */
export function setSocketMode(path: string): void {
  chmodSync(path, SOCKET_MODE)
}

function isListening(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
}
