/**
 * package.test.ts - the npm package runs where there is no compiler and no libbpf: everything it needs is inside.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const needsRoot = { skip: process.getuid?.() !== 0 && 'only root installs the Debian packages and loads BPF' }
const LIBRARIES = ['libbpf.so.1', 'libelf.so.1', 'libz.so.1']

t.test('the packed exporter finds its addon, libraries and BPF object', { ...needsRoot, timeout: 120_000 }, async t => {
  const { arch } = process
  execFileSync(join(ROOT, 'deploy/prebuilt.sh'), [arch], { stdio: ['ignore', 'ignore', 'inherit'] })
  const at = t.testdir({})
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', at]
  const name = execFileSync('npm', pack, { cwd: ROOT, encoding: 'utf8' }).trim()
  execFileSync('tar', ['xzf', join(at, name), '-C', at])
  const home = join(at, 'package')
  symlinkSync(join(ROOT, 'node_modules'), join(home, 'node_modules'))
  t.notOk(existsSync(join(home, 'native/build')), 'the addon of the checkout is not packed')

  // nothing but Node is on the path
  const run = (...args: string[]) =>
    execFileSync(process.execPath, args, {
      cwd: at,
      maxBuffer: 64 << 20,
      encoding: 'utf8',
      env: { PATH: dirname(process.execPath) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const addon = join(home, `native/prebuilt/linux-${arch}/weir.node`)
  const maps = run('-e', `require(${JSON.stringify(addon)}); console.log(fs.readFileSync('/proc/self/maps', 'utf8'))`)
  for (const library of LIBRARIES) t.match(maps, join(dirname(addon), library), `${library} is the package's`)
  const weir = join(home, 'deploy/bin/weir.mjs')
  t.match(run(weir, 'probe', '-o', 'json'), /"btf"/, 'the addon asks the kernel')
  const examples = join(home, 'examples')
  t.ok(readdirSync(examples).includes('records.pcap'))
  const input = ['--input-file', join(examples, 'records.pcap'), '--inventory', join(examples, 'inventory.json')]
  t.match(run(weir, 'metrics', ...input), /^weir_flow_packets_total\{/m)
})
