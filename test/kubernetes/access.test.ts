/**
 * access.test.ts - access to the API server: service account, every kind of kubeconfig, token rotation.
 */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AccessSource } from '../../src/kubernetes/watch/access.js'
import { accessSource } from '../../src/kubernetes/watch/access-source.js'
import { ApiClient } from '../../src/kubernetes/watch/api-client.js'
import { ServiceAccount } from '../../src/kubernetes/watch/service-account.js'
import type { ApiServer } from '../../src/lab/kubernetes/api-server.js'
import { PODS, serviceAccount, startedApi } from '../support/named-cluster.js'

/** The server's response to a list of pods. */
async function listPods(access: AccessSource): Promise<unknown> {
  const client = new ApiClient(access, 'weir-test')
  const { signal } = new AbortController()
  try {
    return await client.json({ path: PODS, accept: 'application/json', gzip: true, idleTimeoutMs: 5_000, signal })
  } finally {
    client.close()
  }
}

function written(t: Tap, api: ApiServer, user?: object): string {
  const file = join(t.testdir({}), 'kubeconfig')
  writeFileSync(file, api.kubeconfig(user))
  return file
}
type Tap = Pick<typeof t, 'testdir'>

const LIST = { metadata: { resourceVersion: '1000' } }

t.test('the token of a service account is read again after a 401', async t => {
  const api = await startedApi(t)
  const account = serviceAccount(t, api)
  const access = new ServiceAccount('127.0.0.1', String(api.port), account)
  t.match(await listPods(access), LIST)
  api.token = 'rotated'
  writeFileSync(join(account, 'token'), 'rotated')
  await t.rejects(listPods(access), { message: /401/ }, 'the cached token is refused')
  t.match(await listPods(access), LIST)
})

t.test('the error for a missing service account file names it', async t => {
  const access = new ServiceAccount('127.0.0.1', '1', '/nowhere')
  await t.rejects(listPods(access), { message: /\/nowhere\/ca\.crt/ })
})

t.test('a server certificate from another authority is rejected', async t => {
  const [api, other] = [await startedApi(t), await startedApi(t)]
  const access = new ServiceAccount('127.0.0.1', String(api.port), serviceAccount(t, other))
  await t.rejects(listPods(access), { message: /certificate|signature/i })
  t.equal(api.requests.length, 0, 'the token is not sent')
})

t.test('a kubeconfig with a token', async t => {
  const api = await startedApi(t)
  t.match(await listPods(await accessSource({ kubeconfig: written(t, api) })), LIST)
})

t.test('a kubeconfig with a token file that rotates', async t => {
  const api = await startedApi(t)
  const token = join(serviceAccount(t, api), 'token')
  const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile: token } } }
  const access = await accessSource({ kubeconfig: written(t, api, user) })
  writeFileSync(token, api.token)
  t.match(await listPods(access), LIST)
  api.token = 'rotated'
  writeFileSync(token, 'rotated')
  await t.rejects(listPods(access), { message: /401/ })
  t.match(await listPods(access), LIST)
})

t.test("a user's tokenFile is used as kubectl uses it: before its token, relative to the kubeconfig", async t => {
  const api = await startedApi(t)
  const folder = serviceAccount(t, api)
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, api.kubeconfig({ tokenFile: 'token', token: 'stale' }))
  writeFileSync(join(folder, 'token'), api.token)
  const access = await accessSource({ kubeconfig })
  t.match(await listPods(access), LIST)
  api.token = 'rotated'
  writeFileSync(join(folder, 'token'), 'rotated')
  await t.rejects(listPods(access), { message: /401/ })
  t.match(await listPods(access), LIST)
})

t.test('a kubeconfig with an exec plugin; the error contains its message', async t => {
  const api = await startedApi(t)
  const plugin = join(t.testdir({ plugin: '' }), 'plugin')
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: api.token },
  }
  writeFileSync(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`)
  chmodSync(plugin, 0o755)
  const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin } }
  const kubeconfig = join(serviceAccount(t, api), 'kubeconfig')
  writeFileSync(kubeconfig, api.kubeconfig(user))
  t.match(await listPods(await accessSource({ kubeconfig })), LIST)
  writeFileSync(plugin, '#!/bin/sh\necho no login >&2\nexit 1\n')
  await t.rejects(listPods(await accessSource({ kubeconfig })), { message: /no login/ })
})

t.test('the error for a missing kubeconfig or context names it', async t => {
  await t.rejects(accessSource({ kubeconfig: '/nowhere/config' }), {
    message: /kubeconfig \/nowhere\/config: .*no such file/,
  })
  const api = await startedApi(t)
  const kubeconfig = written(t, api)
  await t.rejects(accessSource({ kubeconfig, context: 'prod' }), { message: /context 'prod'; allowed: lab/ })
})
