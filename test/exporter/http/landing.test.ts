/**
 * landing.test.ts - the landing page in a real Chromium: layout on phone and desktop, no external requests, no scripts.
 *
 * SHOTS=FOLDER saves the screenshots there.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import type { RecentLine } from '../../../src/exporter/http/recent-lines.js'
import { createServer } from '../../../src/exporter/http/server.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'

const CHROMIUM = '/usr/bin/chromium'
const BROWSER = { skip: !existsSync(CHROMIUM) && 'chromium is not installed' }
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]
const WIDTHS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } } as const
const LINES: readonly RecentLine[] = [
  { ts: '2026-11-25T10:00:00.000Z', level: 'warn', text: 'request refused: no valid user and password: 10.0.0.9' },
  { ts: '2026-11-25T10:01:00.000Z', level: 'error', text: `attach failed: ${'EPERM/'.repeat(30)}<b>bold</b>` },
]

/** A server with data in every section, long names included. */
const start = async (t: Test, notReady?: string) => {
  const store = new SeriesStore({ budget: 1000 })
  const fill = (metric: (typeof M)[keyof typeof M], series: number) => {
    for (let i = 0; i < series; i++) store.family(metric).series(metric.labels.map(label => `${label}-${i}`))
  }
  fill(M.flowPackets, 1000)
  fill(M.dropPackets, 37)
  fill(M.tcpHandshake, 412)
  const set = (metric: (typeof M)[keyof typeof M], value: number) => store.set(store.family(metric).series([]), value)
  set(M.connectionTableEntries, 18_311)
  set(M.connectionTableLimit, 65_536)
  set(M.connectionTableFull, 42)
  set(M.unnamedPackets, 0)
  set(M.ringFull, 1_234_567)
  const server = createServer({
    telemetryPath: '/metrics',
    store,
    collect: () => {},
    ready: () => notReady,
    version: '1.2.3-rc.1',
    status: () => [
      ['source', 'live'],
      ['pod interfaces', '57'],
      ['cluster', 'synced; not watched: endpointslices'],
      ['OTLP', `network: http://${'collector.'.repeat(12)}svc:4318`],
    ],
    rates: () => [
      { name: 'Packets', value: 184_223.4 },
      { name: 'Bytes', value: 1_204_223_118 },
      { name: 'Drops', value: 0 },
      { name: 'Records', value: 3.25 },
    ],
    lines: () => LINES,
  })
  t.teardown(() => server.close(0))
  return server.listen('127.0.0.1:0')
}

const browse = async (t: Test) => {
  const home = mkdtempSync(join(tmpdir(), 'weir-chromium-'))
  const context = await chromium.launchPersistentContext(home, { executablePath: CHROMIUM, args: FLAGS })
  t.teardown(async () => {
    await context.close()
    rmSync(home, { recursive: true, force: true })
  })
  return context
}

/** Console messages and requests of a page. */
const watch = (page: Page) => {
  const messages: string[] = []
  const requests: string[] = []
  page.on('console', message => messages.push(message.text()))
  page.on('pageerror', error => messages.push(error.message))
  page.on('request', request => requests.push(request.url()))
  return { messages, requests }
}

t.test('on phone and desktop, light and dark, everything is shown and nothing overflows', BROWSER, async t => {
  const url = await start(t)
  const context = await browse(t)
  for (const [device, size] of Object.entries(WIDTHS)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await context.newPage()
      const { messages, requests } = watch(page)
      await page.setViewportSize(size)
      await page.emulateMedia({ colorScheme })
      await page.goto(url)
      const about = `${device} ${colorScheme}`
      const widest = await page.evaluate('document.documentElement.scrollWidth')
      t.equal(widest, size.width, `${about}: no horizontal scrolling`)
      const text = await page.textContent('body')
      for (const part of [
        ...[
          '1.2.3-rc.1',
          'Ready',
          'not watched: endpointslices',
          '184,223',
          '1.2 G',
          '3.3',
          '1,234,567',
          '18,311 of 65,536',
        ],
        ...['weir_flow_packets_total', '1,000 of 1,000', '<b>bold</b>', '10.0.0.9', '/metrics', '/-/ready'],
      ]) {
        t.ok(text?.includes(part), `${about}: ${part}`)
      }
      const narrowest = await page.evaluate(
        'Math.min(...[...document.querySelectorAll("dt")].map(term => term.offsetWidth))',
      )
      t.ok(Number(narrowest) > 40, `${about}: no name wraps at every letter (${narrowest} px)`)
      t.equal(await page.locator('.usage.high').count(), 1, `${about}: only the full family's bar is red`)
      t.equal(await page.locator('dd.lost').count(), 1, `${about}: only real losses are red`)
      t.strictSame(messages, [], `${about}: the console is empty`)
      t.ok(
        requests.every(address => address.startsWith(url) || address.startsWith('data:')),
        `${about}: ${requests}`,
      )
      const background = await page.evaluate('getComputedStyle(document.body).backgroundColor')
      t.equal(background, colorScheme === 'dark' ? 'rgb(14, 20, 26)' : 'rgb(243, 246, 248)', about)
      const shots = process.env.SHOTS
      if (shots !== undefined)
        await page.screenshot({ path: join(shots, `${device}-${colorScheme}.png`), fullPage: true })
      await page.close()
    }
  }
})

t.test('the page of a server that is not ready shows the reason', BROWSER, async t => {
  const url = await start(t, 'sweep: <EPERM>')
  const page = await (await browse(t)).newPage()
  await page.goto(url)
  t.equal(await page.textContent('.state'), 'Not ready: sweep: <EPERM>')
  t.equal(await page.evaluate('getComputedStyle(document.querySelector(".state")).color'), 'rgb(179, 38, 30)')
})

t.test('the Content-Security-Policy blocks injected scripts', BROWSER, async t => {
  const url = await start(t)
  const page = await (await browse(t)).newPage()
  await page.goto(url)
  const { messages } = watch(page)
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))`,
  )
  t.equal(await page.evaluate('window.ran'), undefined)
  t.match(messages.join(), /Content Security Policy/)
})
