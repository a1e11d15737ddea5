/**
 * scratch.ts - a temporary directory for a case's files, removed when the process exits.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}
