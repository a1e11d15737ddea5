/**
 * browser.ts - renders HTML pages to PNG files with Chromium, offline.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { WIDTH } from './picture.js'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync']

export async function shoot(pages: readonly { readonly file: string; readonly html: string }[]): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'weir-pictures-'))
  const context = await chromium.launchPersistentContext(home, { executablePath: CHROMIUM, args: FLAGS, offline: true })
  try {
    const page = await context.newPage()
    for (const { file, html } of pages) {
      await page.setViewportSize({ width: WIDTH, height: 800 })
      await page.setContent(html)
      await page.screenshot({ path: file, fullPage: true })
    }
  } finally {
    await context.close()
    rmSync(home, { recursive: true })
  }
}
