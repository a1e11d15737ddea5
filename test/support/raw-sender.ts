/**
 * raw-sender.ts - whole frames out of a pod, by a packet socket: Node has none, Python does.
 *
 * In:    frames, each with how many times it is to go out.
 * Fail:  an Error with what Python said.
 */
import type { Pod } from '../../src/lab/pod.js'

/** Each line of stdin is a count and a frame in hex, or `pause` and seconds. A full device queue is waited for, never skipped. */
const SENDER = `
import socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("eth0", 0))
for line in open(0):
    count, frame = line.split()
    if count == "pause":
        time.sleep(float(frame))
        continue
    frame = bytes.fromhex(frame)
    for _ in range(int(count)):
        if out.send(frame) != len(frame):
            sys.exit("a frame went out cut")
`

export interface RawFrames {
  readonly frame: Uint8Array
  /** Default 1. */
  readonly count?: number
}

/** All of them have left the pod when this resolves. */
export async function sendFrames(from: Pod, frames: readonly RawFrames[]): Promise<void> {
  await send(from, linesOf(frames))
}

/** All of them once for each pause, which comes after, in milliseconds. One sender: starting one takes longer than many a pause. */
export async function sendRounds(from: Pod, frames: readonly RawFrames[], pauses: readonly number[]): Promise<void> {
  const round = linesOf(frames)
  await send(from, pauses.map(pause => `${round}pause ${pause / 1000}\n`).join(''))
}

function linesOf(frames: readonly RawFrames[]): string {
  return frames.map(({ frame, count = 1 }) => `${count} ${Buffer.from(frame).toString('hex')}\n`).join('')
}

async function send(from: Pod, input: string): Promise<void> {
  const { code, stderr } = await from.exec(['python3', '-c', SENDER], { input, timeoutMs: 60_000 })
  if (code !== 0) throw new Error(`frames from ${from.name}: ${stderr.trim()}`)
}
