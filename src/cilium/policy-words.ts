// SPDX-License-Identifier: Apache-2.0
/**
 * policy-words.ts - the fields of a PolicyVerdictNotify as `cilium monitor` and `hubble observe` print them.
 *
 * Out:   a word for every number (cilium/cilium pkg/monitor/datapath_policy.go, pkg/monitor/api).
 */

const MATCHES = ['none', 'L3-Only', 'L3-L4', 'L4-Only', 'all', 'L3-Proto', 'Proto-Only'] as const
const AUTHS = ['disabled', 'spire', 'test-always-fail'] as const

/** The kind of match between packet and policy rule. */
export function matchWord(matchType: number): string {
  return MATCHES[matchType] ?? 'unknown'
}

/** The authentication that the policy rule requires. */
export function authWord(authType: number): string {
  return AUTHS[authType] ?? `Unknown-auth-type-${authType}`
}

/** `verdict` is the record's: 0 for allowed, a negative drop reason, or a positive proxy port. */
export function actionWord(verdict: number, audited: boolean): 'audit' | 'deny' | 'redirect' | 'allow' {
  if (audited) return 'audit'
  if (verdict < 0) return 'deny'
  return verdict > 0 ? 'redirect' : 'allow'
}
