// SPDX-License-Identifier: Apache-2.0
/**
 * tls.ts - converts the TLS settings of the web config file to options of node:tls.
 *
 * In:    TlsSettings, and the files that they name.
 * Out:   options that node:tls has already accepted once, so they are safe to give to a running server.
 * Fail:  an error of one line that names the key and the file.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { cipherList, curveList, versionOf } from './cipher-suites.js'
import { type TlsSettings, WebConfigError } from './web-config.js'

export function secureOptions(settings: TlsSettings): SecureContextOptions {
  const { client_ca_file, client_ca, min_version } = settings
  const clientAuthority = contentOf('client_ca_file', client_ca_file, client_ca)
  const options: SecureContextOptions = {
    cert: contentOf('cert_file', settings.cert_file, settings.cert),
    key: contentOf('key_file', settings.key_file, settings.key),
    // Without client_ca, the authorities that Node.js trusts, as the toolkit falls back to the system's.
    ca: clientAuthority === undefined ? undefined : certificatesOf(client_ca_file ?? 'client_ca', clientAuthority),
    minVersion: versionOf(min_version),
    maxVersion: versionOf(settings.max_version),
    ciphers: cipherList(settings.cipher_suites, min_version),
    honorCipherOrder: settings.prefer_server_cipher_suites,
    ecdhCurve: curveList(settings.curve_preferences) ?? 'auto',
  }
  try {
    // node:tls accepts empty texts and then fails at each handshake.
    const matches = new X509Certificate(String(options.cert)).checkPrivateKey(createPrivateKey(String(options.key)))
    if (!matches) throw new Error('the key belongs to another certificate')
    createSecureContext(options)
  } catch (error) {
    const files = `${settings.cert_file ?? 'cert'}, ${settings.key_file ?? 'key'}`
    throw new WebConfigError(`tls_server_config: certificate and key (${files}): ${(error as Error).message}`)
  }
  return options
}

/** The files that a TLS context depends on. */
export function filesOf(settings: TlsSettings | undefined): readonly string[] {
  const { cert_file, key_file, client_ca_file } = settings ?? {}
  return [cert_file, key_file, client_ca_file].filter(file => file !== undefined)
}

/** A file takes precedence over an inline text, as in the toolkit. */
function contentOf(key: string, file: string | undefined, text: string | undefined): string | undefined {
  if (file === undefined) return text
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new WebConfigError(`tls_server_config.${key} ${file}: ${(error as Error).message}`)
  }
}

/** node:tls accepts a text without any certificate and then silently trusts no client. */
function certificatesOf(name: string, text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new WebConfigError(`tls_server_config: client CA ${name}: holds no certificate`)
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch (error) {
      throw new WebConfigError(`tls_server_config: client CA ${name}: ${(error as Error).message}`)
    }
  }
  return blocks
}
