/**
 * unit.ts - formats a value in one of Grafana's units.
 *
 * In:    a number and Grafana's id of its unit.
 * Out:   `12.3 kB/s`, `1.5 %`, `240 us`.
 * Fail:  an unknown unit is an error, so that no value is shown in a wrong one.
 */
const THOUSANDS = ['', 'k', 'M', 'G', 'T'] as const
const TIMES = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
  ['ms', 1e-3],
  ['us', 1e-6],
  ['ns', 1e-9],
] as const
const SUFFIX: Readonly<Record<string, string>> = { short: '', none: '', pps: 'p/s', cps: 'c/s', Bps: 'B/s', bytes: 'B' }

export function formatted(value: number, unit: string): string {
  if (unit === 's') return time(value)
  if (unit === 'percentunit') return `${digits(value * 100)} %`
  const suffix = SUFFIX[unit]
  if (suffix === undefined) throw new Error(`unknown unit ${unit}`)
  let rest = value
  let step = 0
  for (; Math.abs(rest) >= 1000 && step < THOUSANDS.length - 1; step++) rest /= 1000
  return `${digits(rest)} ${THOUSANDS[step]}${suffix}`.trim()
}

function time(seconds: number): string {
  if (seconds === 0) return '0 s'
  const [name, size] = TIMES.find(([, size]) => Math.abs(seconds) >= size) ?? (['ns', 1e-9] as const)
  return `${digits(seconds / size)} ${name}`
}

/** Three significant digits. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)))
}
