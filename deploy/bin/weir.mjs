#!/usr/bin/env node
/**
 * weir.mjs - the command `weir` of the npm package: starts dist/cli/main.js, or says that the checkout is not built.
 *
 * npm does not run the build of `npm install -g .` unless its scripts are allowed.
 */
import { existsSync } from 'node:fs'

const MAIN = new URL('../../dist/cli/main.js', import.meta.url)

if (existsSync(MAIN)) await import(MAIN.href)
else {
  process.stderr.write('weir: this checkout is not built: run make build first\n')
  process.exitCode = 1
}
