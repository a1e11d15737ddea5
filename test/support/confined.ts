/**
 * confined.ts - Weir as its container has it: a root of its own that cannot be written, three capabilities, no compiler.
 *
 * In:    a lab; Weir runs in the namespace of its node, as a pod with hostNetwork does.
 * Out:   a gauge for gauged-lab.ts.
 * Fail:  an Error with what it said on stderr.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import type { Gauge } from './gauged-lab.js'
import { Samples } from './samples.js'
import { until } from './until.js'

const INSTALL = fileURLToPath(new URL('../../deploy/install.sh', import.meta.url))
const ADDRESS = '127.0.0.1:10960'
const CAPABILITIES = '+bpf,+perfmon,+net_admin'
/** Bits 12, 38 and 39 (linux/capability.h). */
const THREE = (1n << 12n) | (1n << 38n) | (1n << 39n)
const START_MS = 30_000

export interface Confined extends Gauge {
  /** Capabilities in force. */
  readonly capabilities: bigint
}

export { THREE }

/**
 * WEIR_IMAGE_ROOT, where an image's root is mounted; otherwise an installed Weir with Node and the libraries of both, as the image
 * has them, removed with the test.
 */
export function imageRoot(t: Test): string {
  const { WEIR_IMAGE_ROOT } = process.env
  if (WEIR_IMAGE_ROOT !== undefined) return WEIR_IMAGE_ROOT
  const root = mkdtempSync(join(tmpdir(), 'weir-root-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  execFileSync(INSTALL, [root])
  for (const program of [process.execPath, '/usr/bin/setpriv', join(root, 'opt/weir/native/build/Release/weir.node')]) {
    if (!program.startsWith(root)) copy(program, root)
    const libraries = execFileSync('ldd', [program], { encoding: 'utf8' })
    for (const [, path = ''] of libraries.matchAll(/(?:=> )?(\/\S+) \(0x/g)) copy(path, root)
  }
  for (const directory of ['proc', 'sys', 'dev', 'run', 'var']) mkdirSync(join(root, directory), { recursive: true })
  symlinkSync('/run', join(root, 'var/run'))
  return root
}

function copy(path: string, root: string): void {
  const to = join(root, path)
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(path, to)
}

export async function startConfined(t: Test, root: string, lab: Lab, inventory: string): Promise<Confined> {
  const weir = [
    'node',
    '/opt/weir/dist/cli/main.js',
    'run',
    '--inventory',
    '/run/weir/inventory.json',
    '--web.listen-address',
    ADDRESS,
  ]
  const bounded = [
    'setpriv',
    `--bounding-set=-all,${CAPABILITIES}`,
    `--inh-caps=-all,${CAPABILITIES}`,
    '--no-new-privs',
    '--',
  ]
  // tap puts its own hooks into every child's environment.
  const script = `set -e
    unset NODE_OPTIONS
    mount --bind "$0" "$0"
    mount -o remount,bind,ro "$0"
    mount -t proc proc "$0/proc"
    mount --rbind /sys "$0/sys"
    mount --bind /dev "$0/dev"
    mount -t tmpfs tmpfs "$0/run"
    mkdir "$0/run/weir"
    cp "$WORLD" "$0/run/weir/inventory.json"
    exec chroot "$0" "$@"`
  const inNode = ['ip', 'netns', 'exec', lab.node.netns, 'unshare', '--mount', '--propagation', 'private']
  const [program = '', ...args] = [
    ...inNode,
    'sh',
    '-c',
    script,
    root,
    `/usr/bin/${bounded[0]}`,
    ...bounded.slice(1),
    ...weir,
  ]
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, WORLD: inventory },
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-100_000)
  })
  const stop = async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'close')
  }
  t.teardown(stop)
  const get = async (path: string) => {
    const ask = `fetch('http://${ADDRESS}${path}').then(async r => { process.stdout.write(await r.text()); process.exitCode = r.ok ? 0 : 1 }, () => { process.exitCode = 1 })`
    return lab.run('node', [process.execPath, '-e', ask])
  }
  await until(
    'Weir is ready',
    async () => {
      if (child.exitCode !== null) throw new Error(`weir ended with ${child.exitCode}: ${said}`)
      return (await get('/-/ready')).code === 0
    },
    START_MS,
  )
  return {
    capabilities: BigInt(`0x${/CapEff:\s*(\w+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]}`),
    metrics: async () => Samples.parse((await get('/metrics')).stdout),
    stop,
  }
}
