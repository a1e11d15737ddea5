// SPDX-License-Identifier: Apache-2.0
/**
 * cipher-suites.ts - TLS versions, cipher suites and curves: translates Go's names, used by the web config file, to OpenSSL's.
 *
 * Source: crypto/tls of Go (CipherSuites, CurveID) and the cipher list of OpenSSL's ciphers(1).
 */

/** Suites of TLS 1.3. As in Go, they are not configurable: the server always offers all three. */
const TLS13_SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const

const SUITES: ReadonlyMap<string, string> = new Map([
  ...TLS13_SUITES.map(name => [name, name] as const),
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  // Without forward secrecy: toolkits built with Go before 1.22 accept them.
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
])

const CURVES: ReadonlyMap<string, string> = new Map([
  ['CurveP256', 'P-256'],
  ['CurveP384', 'P-384'],
  ['CurveP521', 'P-521'],
  ['X25519', 'X25519'],
])

const VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const

export type TlsVersion = keyof typeof VERSIONS
/** Oldest first. */
export const TLS_VERSIONS = Object.keys(VERSIONS) as TlsVersion[]
export const CIPHER_SUITES: readonly string[] = [...SUITES.keys()]
export const CURVE_NAMES: readonly string[] = [...CURVES.keys()]

/** node:tls's name of a TLS version. */
export function versionOf(name: TlsVersion) {
  return VERSIONS[name]
}

/**
 * node:tls's cipher list for these suites, undefined for its default.
 * OpenSSL 3 refuses TLS 1.0 and 1.1 above security level 0, so either of them as `minVersion` lowers the level.
 */
export function cipherList(names: readonly string[], minVersion: TlsVersion): string | undefined {
  const legacy = minVersion === 'TLS10' || minVersion === 'TLS11'
  if (names.length === 0) return legacy ? 'DEFAULT:@SECLEVEL=0' : undefined
  const chosen = [...new Set([...TLS13_SUITES, ...names.map(name => SUITES.get(name)!)])]
  return [...chosen, ...(legacy ? ['@SECLEVEL=0'] : [])].join(':')
}

/** node:tls's curve list for these curves, undefined for its default. */
export function curveList(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.map(name => CURVES.get(name)!).join(':')
}
