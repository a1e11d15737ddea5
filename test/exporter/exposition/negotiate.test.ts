/**
 * negotiate.test.ts - content negotiation by Accept and Accept-Encoding, with the headers real clients send.
 */
import t from 'tap'
import { acceptsGzip, negotiate } from '../../../src/exporter/exposition/negotiate.js'

const PROMETHEUS_2_42 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
const PROMETHEUS_2_53 =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
const PROMETHEUS_3_5 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
const PROMETHEUS_PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8'

t.test('the format the client prefers, text 0.0.4 without a preference', async t => {
  const cases: readonly (readonly [string | undefined, 'text' | 'openmetrics'])[] = [
    [PROMETHEUS_2_42, 'openmetrics'],
    [PROMETHEUS_2_53, 'openmetrics'],
    [PROMETHEUS_3_5, 'openmetrics'],
    [PROMETHEUS_PROTOBUF, 'openmetrics'],
    [BROWSER, 'text'],
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/*', 'text'],
    ['application/*', 'openmetrics'],
    ['application/json', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text ; Version="1.0.0" ; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text;version=0.0.1', 'text'],
    ['application/openmetrics-text;version=2.0.0, text/plain;q=0.1', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=0', 'text'],
    ['application/openmetrics-text;q=0, */*', 'text'],
    ['application/openmetrics-text;q=0.3, text/plain;q=0.4', 'text'],
    ['application/openmetrics-text;q=0.5, text/plain;q=0.4', 'openmetrics'],
    ['application/openmetrics-text;q=0.5, */*;q=0.4', 'openmetrics'],
    ['application/openmetrics-text;q=0.5, */*;q=0.6', 'text'],
    ['application/openmetrics-text, text/plain', 'openmetrics'],
    ['text/plain, application/openmetrics-text', 'text'],
    ['text/plain;q=0, application/openmetrics-text;q=0.001', 'openmetrics'],
    ['text/plain;version=0.0.4;q=0, text/plain, application/openmetrics-text;q=0.1', 'openmetrics'],
    ['application/openmetrics-text;q=nonsense', 'text'],
    [',;,=;q', 'text'],
  ]
  for (const [accept, format] of cases) t.equal(negotiate(accept), format, String(accept))
})

t.test('gzip only for clients that accept it', async t => {
  const cases: readonly (readonly [string | undefined, boolean])[] = [
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['deflate, GZIP;q=0.5', true],
    ['*', true],
    ['*;q=0', false],
    ['gzip;q=0, *', false],
    ['identity', false],
    ['gzip;q=0.00, identity', false],
    ['gzipped', false],
  ]
  for (const [coding, accepted] of cases) t.equal(acceptsGzip(coding), accepted, String(coding))
})
