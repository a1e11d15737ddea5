/**
 * rules.test.ts - every alert fires above its threshold and stays quiet just below it, as evaluated by promtool.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type Alert, isAlert, RUNBOOKS } from '../../dashboards/rule.js'
import { groupsOf } from '../../dashboards/rules.js'
import { HUBBLE, WEIR } from '../../dashboards/vocabulary.js'
import { DAY_MINUTES, type Input } from '../support/rules/case.js'
import { CASES } from '../support/rules/cases.js'

const OUT = fileURLToPath(new URL('../../dashboards/out/', import.meta.url))
const THRESHOLDS = join(OUT, 'weir-thresholds.yaml')
/** Tested separately: promtool evaluates every rule for each case, and neither set needs the other. */
const SETS = [
  { file: join(OUT, 'weir-rules.yaml'), alerts: alertsOf(WEIR) },
  { file: join(OUT, 'weir-hubble-rules.yaml'), alerts: alertsOf(HUBBLE) },
] as const
const ALERTS = SETS.flatMap(({ alerts }) => alerts)
const SOME_TIME = '30m'

const promtool = { skip: spawnSync('promtool', ['--version']).status !== 0 && 'promtool is not installed' }

t.test('promtool accepts the rules', promtool, async t => {
  const files = [THRESHOLDS, ...SETS.map(({ file }) => file)]
  const output = execFileSync('promtool', ['check', 'rules', ...files], { encoding: 'utf8' })
  t.equal(output.match(/SUCCESS/g)?.length, files.length, output)
})

t.test('each alert has cases, a runbook and a summary', async t => {
  const runbooks = readFileSync(new URL('../../docs/runbooks.md', import.meta.url), 'utf8')
  const headings = [...runbooks.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)
  t.strictSame([...headings].sort(), ALERTS.map(({ alert }) => alert).sort(), 'one heading per alert')
  for (const { alert } of ALERTS)
    t.not(Object.keys(CASES[alert]?.quiet ?? {}).length, 0, `${alert} has a case just below its threshold`)
  t.strictSame(Object.keys(CASES).sort(), ALERTS.map(({ alert }) => alert).sort(), 'one case per alert')
  for (const { alert, summary, severity, for: wait } of ALERTS) {
    t.match(summary, /^[A-Z].*\.$/, `${alert}: the summary is a sentence`)
    if (severity !== 'info') t.not(wait, '0m', `${alert} has a hold time`)
  }
})

t.test('each alert fires above its threshold and stays quiet just below it', promtool, async t => {
  const complaints = evaluate(ALERTS.flatMap(rule => [firing(rule, expectedOf(rule)), ...quiets(rule)]))
  for (const rule of ALERTS) {
    t.notMatch(complaints, `${rule.alert} fires`)
    for (const { name } of quiets(rule)) t.notMatch(complaints, name)
  }
  t.equal(complaints, '')
})

t.test('promtool reports an alert that fires unexpectedly', promtool, async t => {
  const complaints = evaluate(ALERTS.map(rule => firing(rule, [])))
  for (const { alert } of ALERTS) t.match(complaints, `${alert} fires`)
})

function alertsOf(vocabulary: Parameters<typeof groupsOf>[0]): readonly Alert[] {
  return groupsOf(vocabulary).flatMap(({ rules }) => rules.filter(isAlert))
}

/** Thresholds before the rules that use them: promtool's default order differs from run to run. */
function groupNames(files: readonly string[]): (string | undefined)[] {
  return files.flatMap(file => [...readFileSync(file, 'utf8').matchAll(/^ +- name: (\S+)$/gm)].map(([, name]) => name))
}

function expectedOf({ alert, severity, summary }: Alert): object[] {
  return CASES[alert]!.fires.alerts.map(({ labels, description }) => ({
    exp_labels: { severity, ...labels },
    exp_annotations: { summary, description, runbook_url: `${RUNBOOKS}#${alert.toLowerCase()}` },
  }))
}

function firing(rule: Alert, expected: readonly object[]) {
  return testOf(rule, `${rule.alert} fires`, CASES[rule.alert]!.fires.input, expected)
}

function quiets(rule: Alert) {
  return Object.entries(CASES[rule.alert]!.quiet).map(([name, input]) =>
    testOf(rule, `${rule.alert} is quiet: ${name}`, input, []),
  )
}

function testOf({ alert }: Alert, name: string, input: readonly Input[], expected: readonly object[]) {
  const { at = SOME_TIME } = CASES[alert]!
  return {
    name,
    interval: '1m',
    input_series: input.map(([series, values]) => ({ series, values })),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: expected }],
  }
}

type RuleTest = ReturnType<typeof testOf>

/** Promtool's complaints. Tests over a day evaluate every ten minutes, or the run would take over a minute. */
function evaluate(tests: readonly RuleTest[]): string {
  const isLong = (test: RuleTest) =>
    test.alert_rule_test.some(({ eval_time }) => Number.parseInt(eval_time, 10) >= DAY_MINUTES)
  const complaints = SETS.map(({ file, alerts }) => {
    const ofSet = tests.filter(test => alerts.some(({ alert }) => alert === test.alert_rule_test[0]?.alertname))
    const [long, short] = [ofSet.filter(isLong), ofSet.filter(test => !isLong(test))]
    return complaintsOf(file, long, '10m') + complaintsOf(file, short, '1m')
  })
  return complaints.join('')
}

function complaintsOf(rules: string, tests: readonly RuleTest[], every: string): string {
  const home = mkdtempSync(join(tmpdir(), 'weir-rules-'))
  try {
    const file = join(home, 'test.yaml')
    // JSON is YAML.
    const files = [THRESHOLDS, rules]
    const spec = { rule_files: files, evaluation_interval: every, group_eval_order: groupNames(files), tests }
    writeFileSync(file, JSON.stringify(spec))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    })
    return status === 0 ? '' : `${stdout}${stderr}`
  } finally {
    rmSync(home, { recursive: true })
  }
}
