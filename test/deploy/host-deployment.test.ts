/**
 * host-deployment.test.ts - the compose file and the systemd unit agree with the chart and name only existing files.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parse } from 'yaml'

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url))
const COMPOSE = join(DEPLOY, 'compose')
const CAPABILITIES = ['BPF', 'PERFMON', 'NET_ADMIN']

interface Service {
  readonly image: string
  readonly network_mode: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly command?: readonly string[]
  readonly volumes?: readonly string[]
}

const has = (program: string) => ({
  skip: spawnSync(program, ['--version']).status !== 0 && `${program} is not installed`,
})
const yaml = <T>(path: string): T => parse(readFileSync(join(COMPOSE, path), 'utf8')) as T
const { services } = yaml<{ services: Readonly<Record<'weir' | 'prometheus' | 'grafana', Service>> }>('compose.yaml')

/** Source and mount point of each volume of a service. */
function mounts({ volumes = [] }: Service): (readonly [source: string, target: string])[] {
  return volumes.map(volume => {
    const [source = '', target = '', mode] = volume.split(':')
    if (mode !== 'ro') throw new Error(`${volume} is writable`)
    return [resolve(COMPOSE, source), target] as const
  })
}

t.test('compose runs Weir with the three capabilities and a read-only root', async t => {
  t.match(services.weir, { network_mode: 'host', read_only: true, cap_drop: ['ALL'], cap_add: CAPABILITIES })
  const { version } = JSON.parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8')) as { version: string }
  t.equal(services.weir.image, `weir:\${WEIR_VERSION:-${version}}`, 'the tag of make image')
})

t.test('mounted files exist, and Prometheus accepts its configuration and rules', has('promtool'), async t => {
  const root = t.testdir()
  for (const service of Object.values(services)) {
    for (const [source] of mounts(service)) t.ok(existsSync(source), source)
  }
  for (const [source, target] of mounts(services.prometheus)) {
    mkdirSync(join(root, dirname(target)), { recursive: true })
    copyFileSync(source, join(root, target))
  }
  const { status, stdout, stderr } = spawnSync(
    'promtool',
    ['check', 'config', join(root, 'etc/prometheus/prometheus.yml')],
    {
      encoding: 'utf8',
    },
  )
  t.equal(status, 0, `${stdout}${stderr}`)
  t.match(stdout, /2 rule files found/)
})

t.test('Grafana is provisioned with the address of Prometheus and the mounted dashboards', async t => {
  const [source] = yaml<{ datasources: { url: string; type: string }[] }>(
    'provisioning/datasources/prometheus.yaml',
  ).datasources
  const address = services.prometheus.command?.find(flag => flag.startsWith('--web.listen-address='))?.split('=')[1]
  t.match(source, { type: 'prometheus', url: `http://${address}` })
  const [provider] = yaml<{ providers: { options: { path: string } }[] }>('provisioning/dashboards/weir.yaml').providers
  t.ok(mounts(services.grafana).some(([, target]) => target === provider?.options.path))
})

t.test('the systemd unit is valid and grants the same capabilities', async t => {
  const unit = readFileSync(join(DEPLOY, 'weir.service'), 'utf8')
  const capabilities = CAPABILITIES.map(name => `CAP_${name}`).join(' ')
  for (const key of ['CapabilityBoundingSet', 'AmbientCapabilities']) t.match(unit, `${key}=${capabilities}\n`)
  for (const [, path] of unit.matchAll(/\/opt\/weir\/(\S+)/g)) installed(t, path!)
  await t.test('systemd-analyze accepts it', has('systemd-analyze'), async t => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(DEPLOY, 'weir.service')], {
      encoding: 'utf8',
    })
    t.strictSame([status, stderr], [0, ''])
  })
})

/** Checks that deploy/install.sh copies `path`. */
function installed(t: Test, path: string): void {
  const [top = ''] = path.split('/')
  t.match(readFileSync(join(DEPLOY, 'install.sh'), 'utf8'), new RegExp(`^cp -R .*\\b${top}\\b`, 'm'), path)
}
