/**
 * socket-file.ts - the place of a unix socket: its directory made, a dead process's socket removed.
 *
 * Fail:  an Error when somebody listens there, or when what is there is no socket; errors of the system pass.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'

/** Nobody outside the owner's group gets in, so the socket is safe before its own mode is set. */
const DIRECTORY_MODE = 0o750
const SOCKET_MODE = 0o660

export async function prepareSocketPath(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  const existing = lstatSync(path, { throwIfNoEntry: false })
  if (existing === undefined) return
  if (!existing.isSocket()) throw new Error(`${path} is there already and is no socket`)
  if (await isListening(path)) throw new Error(`${path}: another process listens there`)
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
