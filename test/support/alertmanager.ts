/**
 * alertmanager.ts - a real Alertmanager for a test, which sends every alert without delay to a local webhook.
 *
 * Fail:  an Error with Alertmanager's stderr.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { plainEnvironment } from '../../src/lab/process.js'
import { freePort } from './prometheus.js'
import { until } from './until.js'

/** An alert as Alertmanager sends it (prometheus.io/docs/alerting/latest/configuration, webhook_config). */
export interface Notice {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Alertmanager {
  /** host:port, for Prometheus. */
  readonly address: string
  /** Every notice that the webhook has received so far. */
  readonly notices: readonly Notice[]
}

export async function startAlertmanager(t: Test): Promise<Alertmanager> {
  const notices: Notice[] = []
  const webhook = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    notices.push(...(JSON.parse(Buffer.concat(chunks).toString()) as { alerts: Notice[] }).alerts)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(webhook, 'listening')
  t.teardown(() => webhook.close())
  const { port } = webhook.address() as AddressInfo
  return { address: await start(t, `http://127.0.0.1:${port}/`), notices }
}

async function start(t: Test, url: string): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'weir-alertmanager-'))
  const config = join(home, 'alertmanager.yml')
  const route = { receiver: 'test', group_by: ['...'], group_wait: '0s', group_interval: '1s' }
  // JSON is YAML.
  writeFileSync(config, JSON.stringify({ route, receivers: [{ name: 'test', webhook_configs: [{ url }] }] }))
  const address = `127.0.0.1:${await freePort()}`
  const flags = [`--config.file=${config}`, `--storage.path=${home}/data`, `--web.listen-address=${address}`]
  const options = { stdio: ['ignore', 'ignore', 'pipe'] as ['ignore', 'ignore', 'pipe'], env: plainEnvironment() }
  const child = spawn('prometheus-alertmanager', [...flags, '--cluster.listen-address='], options)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk}`.slice(-10_000)
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'close')
    rmSync(home, { recursive: true })
  })
  await until('Alertmanager answers', async () => {
    if (child.exitCode !== null) throw new Error(`alertmanager exited with ${child.exitCode}: ${stderr}`)
    return (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok
  })
  return address
}
