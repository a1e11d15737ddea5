/**
 * rules.test.ts - every alert fires when it should, and does not when it nearly should; promtool is the judge.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type Alert, isAlert, RUNBOOKS } from '../dashboards/rule.js'
import { groupsOf } from '../dashboards/rules.js'
import { HUBBLE, WEIR } from '../dashboards/vocabulary.js'
import { CASES, type Input } from './rule-cases.js'

const OUT = fileURLToPath(new URL('../dashboards/out/', import.meta.url))
const FILES = ['weir-thresholds.yaml', 'weir-rules.yaml', 'weir-hubble-rules.yaml'].map(name => join(OUT, name))
const ALERTS: readonly Alert[] = [WEIR, HUBBLE].flatMap(groupsOf).flatMap(({ rules }) => rules.filter(isAlert))
const SOME_TIME = '30m'

const promtool = { skip: spawnSync('promtool', ['--version']).status !== 0 && 'promtool is not installed' }

t.test('promtool finds nothing wrong with the rules', promtool, async t => {
  const said = execFileSync('promtool', ['check', 'rules', ...FILES], { encoding: 'utf8' })
  t.equal(said.match(/SUCCESS/g)?.length, FILES.length, said)
})

t.test('each alert has cases, a runbook and words of its own', async t => {
  const runbooks = readFileSync(new URL('../docs/runbooks.md', import.meta.url), 'utf8')
  const headings = [...runbooks.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)
  t.strictSame([...headings].sort(), ALERTS.map(({ alert }) => alert).sort(), 'a heading each, and no other')
  t.strictSame(Object.keys(CASES).sort(), ALERTS.map(({ alert }) => alert).sort(), 'a case each, and no other')
  for (const { alert, summary, severity, for: wait } of ALERTS) {
    t.match(summary, /^[A-Z].*\.$/, `${alert} is summed up in a sentence`)
    if (severity !== 'info') t.not(wait, '0m', `${alert} waits`)
  }
})

for (const rule of ALERTS) {
  const cases = CASES[rule.alert]
  if (cases === undefined) continue
  t.test(`${rule.alert} fires when it should, and not when it nearly should`, promtool, async t => {
    const { at = SOME_TIME, fires, quiet } = cases
    const expected = fires.alerts.map(({ labels, description }) => ({
      exp_labels: { severity: rule.severity, ...labels },
      exp_annotations: {
        summary: rule.summary,
        description,
        runbook_url: `${RUNBOOKS}#${rule.alert.toLowerCase()}`,
      },
    }))
    t.not(Object.keys(quiet).length, 0)
    const tests = [
      testOf(rule, 'fires', at, fires.input, expected),
      ...Object.entries(quiet).map(([name, input]) => testOf(rule, `quiet: ${name}`, at, input, [])),
    ]
    t.equal(judge(tests), '')
    t.match(
      judge([testOf(rule, 'fires', at, fires.input, [])]),
      'FAILED',
      'promtool tells when an alert was not expected',
    )
  })
}

function testOf({ alert }: Alert, name: string, at: string, input: readonly Input[], expected: readonly object[]) {
  return {
    name,
    interval: '1m',
    input_series: input.map(([series, values]) => ({ series, values })),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: expected }],
  }
}

/** What promtool has to say against them. */
function judge(tests: readonly object[]): string {
  const home = mkdtempSync(join(tmpdir(), 'weir-rules-'))
  try {
    const file = join(home, 'test.yaml')
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ rule_files: FILES, evaluation_interval: '1m', tests }))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    return status === 0 ? '' : `${stdout}${stderr}`
  } finally {
    rmSync(home, { recursive: true })
  }
}
