/**
 * chart.test.ts - the Helm chart: every scenario lints and renders to valid Kubernetes objects; invalid values are refused.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { groupsOf, thresholdGroup } from '../../dashboards/rules.js'
import { HUBBLE, WEIR } from '../../dashboards/vocabulary.js'
import { valuesSchema } from '../../deploy/values.js'
import { complaintsOf, type KubernetesObject } from '../support/strict-object.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const HELM = `${ROOT}.stamps/bin/helm`
const CHART = `${ROOT}deploy/chart`
const SCENARIOS = readdirSync(`${CHART}/ci`)
const helm = { skip: !existsSync(HELM) && 'helm is not installed: make .stamps/bin/helm' }

interface DaemonSet {
  readonly spec: { readonly template: { readonly spec: PodSpec } }
}
interface PodSpec {
  readonly hostNetwork: boolean
  readonly volumes: readonly object[]
  readonly automountServiceAccountToken: boolean
  readonly containers: readonly {
    readonly args: readonly string[]
    readonly env: readonly { readonly name: string; readonly value?: string }[]
    readonly securityContext: {
      readonly capabilities: unknown
      readonly readOnlyRootFilesystem: boolean
      readonly privileged: boolean
    }
    readonly volumeMounts: readonly object[]
    readonly livenessProbe: Readonly<Record<string, unknown>>
  }[]
}

function rendered(...args: string[]): readonly KubernetesObject[] {
  const output = execFileSync(HELM, ['template', 'weir', CHART, '-n', 'monitoring', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return parseAllDocuments(output)
    .map(document => document.toJS() as KubernetesObject)
    .filter(object => object !== null)
}

function only<T>(objects: readonly KubernetesObject[], kind: string): T {
  const found = objects.filter(object => object.kind === kind)
  if (found.length !== 1) throw new Error(`${found.length} objects of kind ${kind}`)
  return found[0] as T
}

t.test('each scenario lints and renders to objects without unknown or missing fields', helm, async t => {
  for (const file of ['', ...SCENARIOS]) {
    const values = file === '' ? [] : ['-f', `${CHART}/ci/${file}`]
    const lint = spawnSync(HELM, ['lint', '--strict', CHART, ...values], { encoding: 'utf8' })
    t.equal(lint.status, 0, `${file || 'no values'}: ${lint.stdout}${lint.stderr}`)
    for (const object of rendered(...values)) t.strictSame(complaintsOf(object), [], `${file}: ${object.kind}`)
  }
})

t.test('an unknown field is found at any depth', async t => {
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'x' },
    spec: { ports: [{ port: 1, prot: 'TCP' }] },
  }
  t.strictSame(complaintsOf(object), ['v1 Service x: /spec/ports/0/prot: unknown field'])
})

t.test('Weir runs with three capabilities, a read-only root and the host network', helm, async t => {
  const { spec } = only<DaemonSet>(rendered(), 'DaemonSet').spec.template
  const [weir] = spec.containers
  t.strictSame(weir?.securityContext.capabilities, { drop: ['ALL'], add: ['BPF', 'PERFMON', 'NET_ADMIN'] })
  t.match(weir?.securityContext, { privileged: false, readOnlyRootFilesystem: true })
  t.match(spec, { hostNetwork: true, automountServiceAccountToken: true })
  t.match(
    weir?.env.find(({ name }) => name === 'NODE_OPTIONS'),
    { value: '--max-old-space-size=450' },
    '3/4 of 600Mi',
  )
})

t.test("with podEnd.enabled it may enter the pods' network namespaces", helm, async t => {
  const podEnd = (objects: readonly KubernetesObject[]) =>
    parse(only<{ data: Record<string, string> }>(objects, 'ConfigMap').data['weir.yaml']!)['pod-end']
  const objects = rendered('-f', `${CHART}/ci/pod-end-values.yaml`)
  const { spec } = only<DaemonSet>(objects, 'DaemonSet').spec.template
  const [weir] = spec.containers
  t.match(weir?.securityContext, {
    privileged: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], add: ['BPF', 'PERFMON', 'NET_ADMIN', 'SYS_ADMIN'] },
  })
  const mount = { name: 'netns', mountPath: '/run/netns', readOnly: true, mountPropagation: 'HostToContainer' }
  t.ok(weir?.volumeMounts.some(each => JSON.stringify(each) === JSON.stringify(mount)))
  t.ok(spec.volumes.some(each => JSON.stringify(each).includes('"path":"/run/netns"')))
  t.equal(podEnd(objects), 'always')
  t.equal(podEnd(rendered('--set', 'securityContext.legacyCapabilities=true')), 'never', 'CAP_SYS_ADMIN alone')
})

t.test('the service account may only list and watch', helm, async t => {
  const role = only<{ rules: { verbs: string[]; resources: string[] }[] }>(rendered(), 'ClusterRole')
  t.ok(role.rules.every(({ verbs }) => verbs.every(verb => verb === 'list' || verb === 'watch')))
  t.notOk(role.rules.some(({ resources }) => resources.includes('*') || resources.includes('secrets')))
  const without = rendered('--set', 'kubernetes.enabled=false')
  t.notOk(
    without.some(({ kind }) => kind.startsWith('ClusterRole')),
    'no role without names from Kubernetes',
  )
  t.equal(only<DaemonSet>(without, 'DaemonSet').spec.template.spec.automountServiceAccountToken, false)
})

t.test('with a web config file the probes only check that the port answers', helm, async t => {
  const objects = rendered('-f', `${CHART}/ci/tls-values.yaml`)
  const [weir] = only<DaemonSet>(objects, 'DaemonSet').spec.template.spec.containers
  t.match(weir?.livenessProbe, { tcpSocket: { port: 'metrics' } })
})

t.test("the rules are the generated ones with the values' thresholds", helm, async t => {
  const values = ['--set', 'rules.enabled=true', '--set', 'rules.hubble=true']
  const rule = only<{ spec: { groups: { name: string; rules: Record<string, unknown>[] }[] } }>(
    rendered(...values),
    'PrometheusRule',
  )
  const names = [thresholdGroup(), ...groupsOf(WEIR), ...groupsOf(HUBBLE)].map(({ name }) => name)
  t.strictSame(
    rule.spec.groups.map(({ name }) => name),
    names,
  )
  const records = (group: { rules: readonly object[] }) => group.rules.map(each => JSON.stringify(each)).sort()
  t.strictSame(records(rule.spec.groups[0]!), records(thresholdGroup()), "the chart's defaults equal the code's")
  const changed = rendered(
    ...values,
    '--set-json',
    'rules.namespaces.drop_ratio_warning.batch=0.1',
    '--set',
    'rules.runbookUrl=https://wiki/weir',
  )
  const text = JSON.stringify(only(changed, 'PrometheusRule'))
  t.match(text, '"expr":"vector(0.1)","labels":{"namespace":"batch"}')
  t.match(text, '"runbook_url":"https://wiki/weir#weirdown"')
  t.notMatch(text, 'weir.example.com')
})

t.test('invalid values are refused by name', helm, async t => {
  const cases: readonly (readonly [set: string, error: RegExp])[] = [
    ['imagePullSecret=x', /imagePullSecret/],
    ['port=0', /port/],
    ['port=http', /port/],
    ['image.pullPolicy=Sometimes', /pullPolicy/],
    ['kubernetes.enabled=perhaps', /enabled/],
    ['rules.thresholds.drop_ratio=0.1', /drop_ratio/],
    ['rules.thresholds.table_fill=full', /table_fill/],
    ['securityContext.privileged=true', /privileged/],
    ['config.web.listen-adress=x', /listen-adress/],
    ['config.log.level=loud', /level/],
    ['config.otlp.temporality=both', /temporality/],
    ['config.ring-pages=many', /ring-pages/],
  ]
  for (const [set, error] of cases) {
    const { status, stderr } = spawnSync(HELM, ['template', 'weir', CHART, '--set', set], { encoding: 'utf8' })
    t.not(status, 0, set)
    t.match(stderr, error, `${set}: ${stderr.slice(-300)}`)
  }
})

t.test('the plain manifests equal the rendered chart', helm, async t => {
  const committed = readFileSync(`${ROOT}deploy/manifests/weir.yaml`, 'utf8')
  const expected = execFileSync('bash', [`${ROOT}deploy/manifests.sh`, '-'], { encoding: 'utf8' })
  t.equal(committed, expected, 'run `make manifests`')
})

t.test('the schema of the values is generated from settings and thresholds', async t => {
  t.equal(readFileSync(`${CHART}/values.schema.json`, 'utf8'), valuesSchema(), 'run `make docs`')
})

t.test('values.yaml has a default for each value of the schema', async t => {
  const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as Record<string, unknown>
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as {
    properties: Record<string, unknown>
  }
  t.strictSame(
    Object.keys(values).sort(),
    Object.keys(schema.properties)
      .filter(name => name !== 'global')
      .sort(),
  )
})
