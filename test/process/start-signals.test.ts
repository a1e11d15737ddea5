/**
 * start-signals.test.ts - signals that come while Weir starts: SIGHUP ends nothing and is not forgotten, SIGTERM does not wait;
 * and a Weir that only pushes, without a readiness endpoint.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { must } from '../../src/lab/process.js'
import { MAIN } from '../support/command.js'
import { Samples } from '../support/samples.js'
import { socketPath } from '../support/served-flows.js'
import { until } from '../support/until.js'
import { listeningUrl, plainEnvironment } from '../support/weir-process.js'

const REPLAY = ['--source', 'replay:examples/records.pcap', '--web.listen-address', '127.0.0.1:0']

/** Started, and nothing waited for. */
function begun(t: Test, ...args: readonly string[]): { readonly child: ChildProcess; said(): string } {
  const child = spawn(process.execPath, [MAIN, 'run', ...REPLAY, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: plainEnvironment(),
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk
  })
  t.teardown(() => child.kill('SIGKILL'))
  return { child, said: () => said }
}

t.test('a SIGHUP during the start reloads the configuration once Weir has started', async t => {
  const { child, said } = begun(t, '--hubble.listen-address', `unix://${socketPath(t)}`)
  await until('the source runs', () => said().includes('msg="recording read"'))
  child.kill('SIGHUP')
  child.kill('SIGHUP')
  const url = await until('it listens', () => listeningUrl(said()))
  const applied = async () => {
    const page = Samples.parse(await (await fetch(`${url}/metrics`)).text())
    return page.get('weir_config_reloads_total', { result: 'applied' })
  }
  await until('it has reloaded', async () => (await applied())! >= 1)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  t.strictSame(await ended, [0, null], said())
})

t.test('a SIGTERM while Kubernetes credentials are pending ends Weir at once', async t => {
  const dir = t.testdir({})
  const kubeconfig = join(dir, 'kubeconfig')
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sh',
    args: ['-c', 'exec sleep 100'],
    interactiveMode: 'Never',
  }
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { exec } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  )
  const kubernetes = ['--kubernetes', '--kubernetes.kubeconfig', kubeconfig, '--hubble.listen-address', 'none']
  const { child, said } = begun(t, ...kubernetes)
  const url = await until('it listens', () => listeningUrl(said()))
  t.equal((await fetch(`${url}/-/ready`)).status, 503, 'waiting for the first Kubernetes sync')
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  t.strictSame(await ended, [0, null], said())
  t.match(said(), /msg=stopping signal=SIGTERM/)
})

t.test('without web nothing listens, whatever address is given', async t => {
  const only = ['--no-web', '--otlp.endpoint', 'http://127.0.0.1:9', '--hubble.listen-address', 'none']
  const { child, said } = begun(t, ...only)
  await until('it has started', () => said().includes('msg=listening'))
  t.match(said(), /msg=listening .*url=none/)
  t.notMatch(await must(['ss', '-Hltnp']), new RegExp(`pid=${child.pid},`))
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  t.strictSame(await ended, [0, null], said())
})
