/**
 * promtool.ts - `promtool check metrics` on a page.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Its exit code, and all that it said. */
export async function promtool(page: string): Promise<{ code: number; said: string }> {
  const child = spawn('promtool', ['check', 'metrics'])
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk
    })
  }
  child.stdin.end(page)
  const [code] = (await once(child, 'close')) as [number]
  return { code, said }
}
