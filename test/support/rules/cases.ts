/**
 * cases.ts - for each alert of both sets: input that makes it fire, and input just below its threshold that must not.
 *
 * Out:   CASES by alert; rules.test.ts runs them with `promtool test rules`.
 */
import type { Case } from './case.js'
import { DROP_CASES } from './drop-cases.js'
import { EXPORTER_CASES } from './exporter-cases.js'
import { FILE_CASES } from './file-cases.js'
import { OTLP_CASES } from './otlp-cases.js'
import { TCP_CASES } from './tcp-cases.js'

export const CASES: Readonly<Record<string, Case>> = {
  ...DROP_CASES,
  ...TCP_CASES,
  ...EXPORTER_CASES,
  ...FILE_CASES,
  ...OTLP_CASES,
}
