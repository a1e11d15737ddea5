/**
 * web.test.ts - `weir run --web.config.file`: a wrong file prevents the start, a correct one protects the page.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hashSync } from 'bcryptjs'
import t, { type Test } from 'tap'
import { authority, signed } from '../support/certificates.js'
import { until } from '../support/until.js'
import { ask, basic, statusOf } from '../support/web-listener.js'
import { listeningUrl, plainEnvironment } from '../support/weir-process.js'

const REPLAY = ['--source', `replay:${fileURLToPath(new URL('../../examples/records.pcap', import.meta.url))}`]
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const folder = t.testdir()
const START_DEADLINE_MS = 60_000

/** Starts a listening Weir. Its readiness endpoint needs the password too. */
async function startWeir(t: Test, file: string) {
  const args = ['--web.listen-address', '127.0.0.1:0', '--hubble.listen-address', 'none', '--web.config.file', file]
  const weir = spawn(process.execPath, [MAIN, 'run', ...args, ...REPLAY], { env: plainEnvironment() })
  t.teardown(() => weir.kill('SIGKILL'))
  let said = ''
  weir.stderr.on('data', data => {
    said += data
  })
  const url = await until('it listens', () => listeningUrl(said), START_DEADLINE_MS)
  const stop = async () => {
    weir.kill()
    return { code: (await once(weir, 'close'))[0], said }
  }
  return { url, port: Number(new URL(url).port), stop }
}

t.test('with a wrong file, weir run exits and prints one line with file, line, key and what is allowed', async t => {
  const file = join(folder, 'wrong.yml')
  writeFileSync(file, 'tls_server_confg: {}\n')
  const args = [MAIN, 'run', '--hubble.listen-address', 'none', '--web.config.file', file, ...REPLAY]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: plainEnvironment() })
  t.equal(status, 2)
  t.match(
    stderr,
    /^weir: web\.config\.file: .*wrong\.yml:1: tls_server_confg: unknown key; allowed: tls_server_config, .*\n$/,
  )
})

t.test('the page needs the password; repeated wrong ones are logged a few times and then suppressed', async t => {
  const file = join(folder, 'users.yml')
  writeFileSync(file, `basic_auth_users: { alice: "${hashSync('secret', 4)}" }\n`)
  const { port, stop } = await startWeir(t, file)
  const status = (asked: object) => statusOf(ask(port, false, { path: '/metrics', ...asked }))
  t.equal(await status(basic('alice', 'secret')), 200)
  for (let i = 0; i < 20; i++) t.equal(await status(basic('alice', 'wrong')), 401)
  const { body } = await ask(port, false, { path: '/metrics', ...basic('alice', 'secret') })
  t.match(body, 'weir_web_refused_total{reason="unauthorized"} 20\n')
  t.match(body, 'weir_web_refused_total{reason="certificate"} 0\n')
  t.match(body, 'weir_web_config_last_reload_successful 1\n')
  t.match(body, /^weir_web_config_last_reload_success_timestamp_seconds 1\.?\d+/m)
  writeFileSync(file, 'nonsense: true\n')
  await until('the file is refused', async () => (await status(basic('alice', 'secret'))) === 500)
  writeFileSync(file, '{}\n')
  await until('the file is correct again', async () => (await status({})) === 200)
  const { code, said } = await stop()
  t.equal(code, 0)
  t.equal(said.match(/msg="request refused: no valid user and password/g)!.length, 5)
  t.match(said, /kind="request refused: no valid user and password" suppressed=15/)
  t.match(said, /level=error msg="web config file or certificate invalid" .*nonsense: unknown key/)
  t.match(said, /level=info msg="web config file reloaded"/)
  t.notMatch(said, /secret/)
})

t.test('with a certificate, the page is served over TLS and the logged URL is https', async t => {
  const ca = authority(folder, 'ca')
  const { certFile, keyFile } = signed(folder, 'server', ca, 'IP:127.0.0.1')
  const file = join(folder, 'tls.yml')
  writeFileSync(file, `tls_server_config: { cert_file: ${certFile}, key_file: ${keyFile} }\n`)
  const { url, port, stop } = await startWeir(t, file)
  t.match(url, /^https:/)
  const { status, body } = await ask(port, true, {
    path: '/metrics',
    ca: ca.cert,
    rejectUnauthorized: true,
  })
  t.equal(status, 200)
  t.match(body, /^weir_build_info\{/m)
  t.equal((await stop()).code, 0)
})
