/**
 * prometheus.ts - a real Prometheus for a test: scrapes its targets every second, answers queries, and ends with the test.
 *
 * Fail:  an Error with Prometheus' stderr.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { plainEnvironment } from '../../src/lab/process.js'
import { until } from './until.js'

const LEAST_PORT = 11_000

export interface Prometheus {
  readonly url: string
  /** The value of an instant query with one result; undefined without a result. */
  query(expression: string): Promise<number | undefined>
  /** The values of an instant query, one per series. */
  values(expression: string): Promise<readonly number[]>
  /** Labels and value of each series of an instant query. */
  series(
    expression: string,
  ): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>
  /** Every exemplar of the selected series since the start: series labels, exemplar labels, value. */
  exemplars(selector: string): Promise<
    readonly {
      readonly series: Readonly<Record<string, string>>
      readonly labels: Readonly<Record<string, string>>
      readonly value: number
    }[]
  >
  /** Health of the only target: `up`, `down` or `unknown`, and the error of the last scrape. */
  target(): Promise<{ readonly health: string; readonly lastError: string }>
}

interface Answer {
  readonly error?: string
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly value: readonly [number, string]
    }[]
    readonly activeTargets: readonly { readonly health: string; readonly lastError: string }[]
  }
}

export interface PrometheusOptions {
  /** Further targets of the same job. */
  readonly targets?: readonly { readonly url: string; readonly labels: Readonly<Record<string, string>> }[]
  /** Rule files as text; evaluated every second. */
  readonly rules?: readonly string[]
  /** host:port */
  readonly alertmanager?: string
  /** Further command-line flags. */
  readonly flags?: readonly string[]
}

interface ExemplarAnswer {
  readonly data: readonly {
    readonly seriesLabels: Readonly<Record<string, string>>
    readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[]
  }[]
}

/** Starts Prometheus on a free port with a temporary data directory. `labels` are added to the target. */
export async function startPrometheus(
  t: Pick<Test, 'teardown'>,
  target: string,
  labels: Readonly<Record<string, string>> = {},
  { targets = [], rules = [], alertmanager, flags: more = [] }: PrometheusOptions = {},
): Promise<Prometheus> {
  const home = mkdtempSync(join(tmpdir(), 'weir-prometheus-'))
  const config = join(home, 'prometheus.yml')
  const scrape = {
    job_name: 'weir',
    scrape_interval: '1s',
    static_configs: [{ url: target, labels }, ...targets].map(({ url, labels }) => ({
      targets: [new URL(url).host],
      labels,
    })),
  }
  const files = rules.map((text, i) => {
    const file = join(home, `rules-${i}.yml`)
    writeFileSync(file, text)
    return file
  })
  const alerting = alertmanager && { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] }
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      global: { evaluation_interval: '1s' },
      scrape_configs: [scrape],
      rule_files: files,
      ...(alerting && { alerting }),
    }),
  )
  const listen = `127.0.0.1:${await freePort()}`
  const flags = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${home}/data`,
    `--web.listen-address=${listen}`,
    ...more,
  ]
  const child = spawn('prometheus', flags, { stdio: ['ignore', 'ignore', 'pipe'], env: plainEnvironment() })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk}`.slice(-10_000)
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'close')
    rmSync(home, { recursive: true })
  })
  const get = async <Of = Answer>(path: string): Promise<Of> =>
    (await (await fetch(`http://${listen}/api/v1/${path}`)).json()) as Of
  await until('Prometheus answers', async () => {
    if (child.exitCode !== null) throw new Error(`prometheus exited with ${child.exitCode}: ${stderr}`)
    const response = await fetch(`http://${listen}/-/ready`).catch(() => undefined)
    return response?.ok
  })
  return {
    url: `http://${listen}`,
    async query(expression) {
      const { data } = await get(`query?query=${encodeURIComponent(expression)}`)
      if (data.result.length > 1) throw new Error(`${expression} gives ${data.result.length} series`)
      const value = data.result[0]?.value[1]
      return value === undefined ? undefined : Number(value)
    },
    async values(expression) {
      const { data, error } = await get(`query?query=${encodeURIComponent(expression)}`)
      if (error !== undefined) throw new Error(`${expression}: ${error}`)
      return data.result.map(({ value }) => Number(value[1]))
    },
    async series(expression) {
      const { data, error } = await get(`query?query=${encodeURIComponent(expression)}`)
      if (error !== undefined) throw new Error(`${expression}: ${error}`)
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    async exemplars(selector) {
      const query = `query_exemplars?query=${encodeURIComponent(selector)}&start=0&end=${Date.now() / 1000 + 60}`
      const { data } = await get<ExemplarAnswer>(query)
      return data.flatMap(({ seriesLabels: series, exemplars }) =>
        exemplars.map(({ labels, value }) => ({ series, labels, value: Number(value) })),
      )
    },
    async target() {
      const [only] = (await get('targets')).data.activeTargets
      return { health: only?.health ?? 'unknown', lastError: only?.lastError ?? '' }
    },
  }
}

/**
 * A free port on loopback, outside the kernel's ephemeral range: from within it, another test's server or connection could
 * take the port first.
 */
export async function freePort(): Promise<number> {
  const [first = ''] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/)
  for (;;) {
    const port = randomInt(LEAST_PORT, Math.max(Number(first), LEAST_PORT + 1000))
    const server = createServer().listen(port, '127.0.0.1')
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
