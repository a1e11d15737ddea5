/**
 * build.ts - writes the generated dashboards and rules to dashboards/out/.
 *
 * In:    `--check`: writes nothing, and fails when a file is stale, missing or superfluous.
 * Out:   one file each; the same sources give the same bytes.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generated } from './generated.js'

const OUT = fileURLToPath(new URL('out/', import.meta.url))

function write(files: ReadonlyMap<string, string>): void {
  mkdirSync(OUT, { recursive: true })
  for (const name of present()) if (!files.has(name)) rmSync(join(OUT, name))
  for (const [name, text] of files) writeFileSync(join(OUT, name), text)
}

function stale(files: ReadonlyMap<string, string>): string[] {
  const names = present()
  const changed = [...files].filter(
    ([name, text]) => !names.includes(name) || readFileSync(join(OUT, name), 'utf8') !== text,
  )
  return [...changed.map(([name]) => name), ...names.filter(name => !files.has(name))]
}

function present(): string[] {
  return readdirSync(OUT).filter(name => !name.startsWith('.'))
}

const files = generated()
if (process.argv.includes('--check')) {
  const names = stale(files)
  if (names.length > 0) {
    console.error(`weir: stale in dashboards/out: ${names.join(', ')}; run \`make dashboards\``)
    process.exitCode = 1
  }
} else {
  write(files)
}
