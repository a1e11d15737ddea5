/**
 * rules.test.ts - every alert fires when it should, and does not when it nearly should; promtool is the judge.
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
import { CASES, DAY_MINUTES, type Input } from '../support/rule-cases.js'

const OUT = fileURLToPath(new URL('../../dashboards/out/', import.meta.url))
const THRESHOLDS = join(OUT, 'weir-thresholds.yaml')
/** Apart: promtool evaluates every rule that it is given for each case, and neither set needs the other. */
const SETS = [
  { file: join(OUT, 'weir-rules.yaml'), alerts: alertsOf(WEIR) },
  { file: join(OUT, 'weir-hubble-rules.yaml'), alerts: alertsOf(HUBBLE) },
] as const
const ALERTS = SETS.flatMap(({ alerts }) => alerts)
const SOME_TIME = '30m'

const promtool = { skip: spawnSync('promtool', ['--version']).status !== 0 && 'promtool is not installed' }

t.test('promtool finds nothing wrong with the rules', promtool, async t => {
  const files = [THRESHOLDS, ...SETS.map(({ file }) => file)]
  const said = execFileSync('promtool', ['check', 'rules', ...files], { encoding: 'utf8' })
  t.equal(said.match(/SUCCESS/g)?.length, files.length, said)
})

t.test('each alert has cases, a runbook and words of its own', async t => {
  const runbooks = readFileSync(new URL('../../docs/runbooks.md', import.meta.url), 'utf8')
  const headings = [...runbooks.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)
  t.strictSame([...headings].sort(), ALERTS.map(({ alert }) => alert).sort(), 'a heading each, and no other')
  for (const { alert } of ALERTS) t.not(Object.keys(CASES[alert]?.quiet ?? {}).length, 0, `${alert} nearly fires`)
  t.strictSame(Object.keys(CASES).sort(), ALERTS.map(({ alert }) => alert).sort(), 'a case each, and no other')
  for (const { alert, summary, severity, for: wait } of ALERTS) {
    t.match(summary, /^[A-Z].*\.$/, `${alert} is summed up in a sentence`)
    if (severity !== 'info') t.not(wait, '0m', `${alert} waits`)
  }
})

t.test('each alert fires when it should, and not when it nearly should', promtool, async t => {
  const complaints = judge(ALERTS.flatMap(rule => [firing(rule, expectedOf(rule)), ...quiets(rule)]))
  for (const rule of ALERTS) {
    t.notMatch(complaints, `${rule.alert} fires`)
    for (const { name } of quiets(rule)) t.notMatch(complaints, name)
  }
  t.equal(complaints, '')
})

t.test('promtool tells when an alert fires that was not expected', promtool, async t => {
  const complaints = judge(ALERTS.map(rule => firing(rule, [])))
  for (const { alert } of ALERTS) t.match(complaints, `${alert} fires`)
})

function alertsOf(vocabulary: Parameters<typeof groupsOf>[0]): readonly Alert[] {
  return groupsOf(vocabulary).flatMap(({ rules }) => rules.filter(isAlert))
}

/** Thresholds before who compares with them: promtool's own order is another at each run. */
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

/** What promtool has to say against them. A day is looked at every ten minutes, or the run takes over a minute. */
function judge(tests: readonly RuleTest[]): string {
  const isLong = (test: RuleTest) =>
    test.alert_rule_test.some(({ eval_time }) => Number.parseInt(eval_time, 10) >= DAY_MINUTES)
  const complaints = SETS.map(({ file, alerts }) => {
    const own = tests.filter(test => alerts.some(({ alert }) => alert === test.alert_rule_test[0]?.alertname))
    const [long, short] = [own.filter(isLong), own.filter(test => !isLong(test))]
    return said(file, long, '10m') + said(file, short, '1m')
  })
  return complaints.join('')
}

function said(rules: string, tests: readonly RuleTest[], every: string): string {
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
