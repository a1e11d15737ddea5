/**
 * raw-sender.ts - whole frames out of a pod, by a packet socket: Node has none, Python does.
 *
 * In:    frames, each with how many times it is to go out.
 * Fail:  an Error with what Python said.
 */
import type { Pod } from '../src/lab/pod.js'

/** Each line of stdin is a count and a frame in hex. A full device queue is waited for, never skipped. */
const SENDER = `
import socket, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("eth0", 0))
for line in open(0):
    count, frame = line.split()
    frame = bytes.fromhex(frame)
    for _ in range(int(count)):
        if out.send(frame) != len(frame):
            sys.exit("a frame went out cut")
`

export interface RawFrames {
  readonly frame: Uint8Array
  /** 1 unless told. */
  readonly count?: number
}

/** All of them have left the pod when this resolves. */
export async function sendFrames(from: Pod, frames: readonly RawFrames[]): Promise<void> {
  const lines = frames.map(({ frame, count = 1 }) => `${count} ${Buffer.from(frame).toString('hex')}\n`)
  const { code, stderr } = await from.exec(['python3', '-c', SENDER], { input: lines.join(''), timeoutMs: 60_000 })
  if (code !== 0) throw new Error(`frames from ${from.name}: ${stderr.trim()}`)
}
