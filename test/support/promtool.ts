/**
 * promtool.ts - `promtool check metrics` on a page.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Its exit code and output. */
export async function promtool(page: string): Promise<{ code: number; output: string }> {
  const child = spawn('promtool', ['check', 'metrics'])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  }
  child.stdin.end(page)
  const [code] = (await once(child, 'close')) as [number]
  return { code, output }
}
