/**
 * policy-words.ts - what a PolicyVerdictNotify says, in the words of `cilium monitor` and `hubble observe`.
 *
 * Out:   a word for every number (cilium/cilium pkg/monitor/datapath_policy.go, pkg/monitor/api).
 */

const MATCHES = ['none', 'L3-Only', 'L3-L4', 'L4-Only', 'all', 'L3-Proto', 'Proto-Only'] as const
const AUTHS = ['disabled', 'spire', 'test-always-fail'] as const

/** What of the rule matched. */
export function matchWord(matchType: number): string {
  return MATCHES[matchType] ?? 'unknown'
}

/** The authentication that the rule asks for. */
export function authWord(authType: number): string {
  return AUTHS[authType] ?? `Unknown-auth-type-${authType}`
}

/** `verdict` as the record has it: 0 allowed, negative a drop reason, positive a proxy port. */
export function actionWord(verdict: number, audited: boolean): 'audit' | 'deny' | 'redirect' | 'allow' {
  if (audited) return 'audit'
  if (verdict < 0) return 'deny'
  return verdict > 0 ? 'redirect' : 'allow'
}
