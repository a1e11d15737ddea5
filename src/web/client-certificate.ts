// SPDX-License-Identifier: Apache-2.0
/**
 * client-certificate.ts - decides whether a TLS client's certificate is acceptable.
 *
 * In:    a socket after its handshake; node:tls has verified the chain but rejected no client.
 * Out:   the reason to reject it, or undefined.
 */
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import ipaddr from 'ipaddr.js'
import type { TlsSettings } from './web-config.js'

/** Whether the server requests a certificate from clients. */
export function requestsCertificate({ client_auth_type = 'NoClientCert' }: TlsSettings): boolean {
  return client_auth_type !== 'NoClientCert'
}

export function certificateProblem(settings: TlsSettings, socket: TLSSocket): string | undefined {
  const { client_auth_type = 'NoClientCert', client_allowed_sans } = settings
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    return client_auth_type.startsWith('Require') ? 'no client certificate' : undefined
  }
  const verify = client_auth_type === 'VerifyClientCertIfGiven' || client_auth_type === 'RequireAndVerifyClientCert'
  if (verify && !socket.authorized) return `client certificate: ${socket.authorizationError}`
  if (client_allowed_sans === undefined) return undefined
  const known = alternativeNames(certificate.subjectAltName ?? '')
  return known.some(name => client_allowed_sans.includes(name))
    ? undefined
    : 'the client certificate has no allowed name'
}

/**
 * The DNS names, addresses, e-mail addresses and URIs in `X509Certificate.subjectAltName`. Node.js writes it as
 * `DNS:a, IP Address:1.2.3.4` and quotes an ambiguous name as JSON.
 */
export function alternativeNames(text: string): string[] {
  const names: string[] = []
  for (const [, kind, value] of text.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    const name = value!.startsWith('"') ? (JSON.parse(value!) as string) : value!
    if (kind === 'IP Address') names.push(isIP(name) === 0 ? name : ipaddr.parse(name).toString())
    else if (kind === 'DNS' || kind === 'email' || kind === 'URI') names.push(name)
  }
  return names
}
