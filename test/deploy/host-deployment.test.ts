/**
 * host-deployment.test.ts - the compose file and the systemd unit say what the chart says, and name nothing that is not there.
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

/** Source and place of each file or folder that a service mounts. */
function mounts({ volumes = [] }: Service): (readonly [source: string, place: string])[] {
  return volumes.map(volume => {
    const [source = '', place = '', mode] = volume.split(':')
    if (mode !== 'ro') throw new Error(`${volume} can be written`)
    return [resolve(COMPOSE, source), place] as const
  })
}

t.test('compose gives Weir the three capabilities and a root that it cannot write', async t => {
  t.match(services.weir, { network_mode: 'host', read_only: true, cap_drop: ['ALL'], cap_add: CAPABILITIES })
  const { version } = JSON.parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8')) as { version: string }
  t.equal(services.weir.image, `weir:\${WEIR_VERSION:-${version}}`, 'as make image calls it')
})

t.test('what services mount is there, and Prometheus takes its configuration and rules', has('promtool'), async t => {
  const root = t.testdir()
  for (const service of Object.values(services)) {
    for (const [source] of mounts(service)) t.ok(existsSync(source), source)
  }
  for (const [source, place] of mounts(services.prometheus)) {
    mkdirSync(join(root, dirname(place)), { recursive: true })
    copyFileSync(source, join(root, place))
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

t.test('Grafana finds Prometheus where it listens, and boards where they are mounted', async t => {
  const [source] = yaml<{ datasources: { url: string; type: string }[] }>(
    'provisioning/datasources/prometheus.yaml',
  ).datasources
  const listens = services.prometheus.command?.find(flag => flag.startsWith('--web.listen-address='))?.split('=')[1]
  t.match(source, { type: 'prometheus', url: `http://${listens}` })
  const [provider] = yaml<{ providers: { options: { path: string } }[] }>('provisioning/dashboards/weir.yaml').providers
  t.ok(mounts(services.grafana).some(([, place]) => place === provider?.options.path))
})

t.test('systemd takes the unit, which gives the same capabilities', async t => {
  const unit = readFileSync(join(DEPLOY, 'weir.service'), 'utf8')
  const wanted = CAPABILITIES.map(name => `CAP_${name}`).join(' ')
  for (const key of ['CapabilityBoundingSet', 'AmbientCapabilities']) t.match(unit, `${key}=${wanted}\n`)
  for (const [, path] of unit.matchAll(/\/opt\/weir\/(\S+)/g)) installed(t, path!)
  await t.test('systemd-analyze has nothing against it', has('systemd-analyze'), async t => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(DEPLOY, 'weir.service')], {
      encoding: 'utf8',
    })
    t.strictSame([status, stderr], [0, ''])
  })
})

/** deploy/install.sh copies it. */
function installed(t: Test, path: string): void {
  const [top = ''] = path.split('/')
  t.match(readFileSync(join(DEPLOY, 'install.sh'), 'utf8'), new RegExp(`^cp -R .*\\b${top}\\b`, 'm'), path)
}
