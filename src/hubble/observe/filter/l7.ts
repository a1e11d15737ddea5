// SPDX-License-Identifier: Apache-2.0
/**
 * l7.ts - matches HTTP, DNS and trace IDs, in flows of a Hubble server with proxies.
 *
 * Fail:  throws an Error that names a bad regular expression or status.
 */
import type { Http } from '../../flow/flow.js'
import { compileExpressions } from './expression.js'
import type { FlowPredicate } from './predicate.js'

/** Predicates on a flow's HTTP record; a flow without one does not match. */
export const matchHttp = {
  status(values: readonly string[]): FlowPredicate {
    const wanted = values.map(parseStatus)
    return http(({ code = 0 }) => code !== 0 && wanted.some(matches => matches(String(code).padStart(3, '0'))))
  },
  method(values: readonly string[]): FlowPredicate {
    const wanted = values.map(value => value.toUpperCase())
    return http(({ method = '' }) => method !== '' && wanted.includes(method.toUpperCase()))
  },
  path(values: readonly string[]): FlowPredicate {
    const matches = compileExpressions(values)
    return http(({ url = '' }) => {
      const path = pathOf(url)
      return path !== undefined && matches(path)
    })
  },
  url(values: readonly string[]): FlowPredicate {
    const matches = compileExpressions(values)
    return http(({ url = '' }) => url !== '' && matches(url))
  },
  header(values: readonly { key?: string; value?: string }[]): FlowPredicate {
    return http(({ headers = [] }) =>
      values.some(wanted => headers.some(header => header.key === wanted.key && header.value === wanted.value)),
    )
  },
} as const

export function matchDnsQuery(values: readonly string[]): FlowPredicate {
  const matches = compileExpressions(values)
  return ({ l7 }) => l7?.dns !== undefined && matches(l7.dns.query ?? '')
}

export function matchTraceId(values: readonly string[]): FlowPredicate {
  return ({ trace_context: context }) => {
    const id = context?.parent?.trace_id
    return id !== undefined && values.includes(id)
  }
}

function http(matches: (http: Http) => boolean): FlowPredicate {
  return ({ l7 }) => l7?.http !== undefined && matches(l7.http)
}

function parseStatus(text: string): (code: string) => boolean {
  if (/^[1-5]\d\d$/.test(text)) return code => code === text
  if (/^[1-5]\d?\+$/.test(text)) return code => code.startsWith(text.slice(0, -1))
  throw new Error(`"${text}" is not an HTTP status; allowed: 404, or a prefix: 4+, 40+`)
}

function pathOf(url: string): string | undefined {
  if (url.startsWith('/')) return url.replace(/[?#].*$/s, '')
  try {
    return new URL(url).pathname
  } catch {
    return undefined
  }
}
