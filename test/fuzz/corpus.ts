/**
 * corpus.ts - inputs that once failed, a file each: corpus/TARGET/NAME.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('./corpus/', import.meta.url))
const HASH_DIGITS = 12

export interface CorpusCase {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Empty for a target without cases. */
export function corpusOf(target: string): CorpusCase[] {
  const folder = join(FOLDER, target)
  try {
    const names = readdirSync(folder).sort()
    return names.map(name => ({ name, bytes: Uint8Array.from(readFileSync(join(folder, name))) }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Writes a failing input. Returns its path. */
export function keep(target: string, bytes: Uint8Array): string {
  const folder = join(FOLDER, target)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, createHash('sha256').update(bytes).digest('hex').slice(0, HASH_DIGITS))
  writeFileSync(path, bytes)
  return path
}
