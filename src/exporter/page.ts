/**
 * page.ts - the landing page at `/`: what this is, how it is, where to go.
 *
 * In:    rows of name and text; both may hold anything, so both are escaped.
 * Out:   HTML that needs nothing else: no scripts, no fonts, no other host.
 */

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1c1e21;background:#fff}
header{background:#e6522c;color:#fff;padding:1rem}h1{margin:0;font-size:1.5rem}p{margin:.25rem 0}
main{padding:1rem;max-width:42rem}table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;overflow-wrap:anywhere}
th{font-weight:600;white-space:nowrap}a{color:#b23c17}li{margin:.3rem 0}
@media(prefers-color-scheme:dark){body{color:#e4e6eb;background:#18191a}th,td{border-color:#3a3b3c}a{color:#ff8a65}}`

/** The page. `notReady` is why not, or undefined. */
export function landingPage(
  telemetryPath: string,
  notReady: string | undefined,
  status: readonly (readonly [string, string])[],
): string {
  const state: readonly [string, string] = ['State', notReady === undefined ? 'ready' : `not ready: ${notReady}`]
  const rows = [state, ...status].map(
    ([name, text]) => `<tr><th scope="row">${escapeHtml(name)}<td>${escapeHtml(text)}`,
  )
  const metrics = escapeHtml(telemetryPath)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Weir</title>
<style>${STYLE}</style>
<header><h1>Weir</h1><p>Prometheus exporter for Kubernetes network flows</p></header>
<main>
<p>Weir counts every packet of this node between workloads, in the kernel, and names both ends.</p>
<table>
${rows.join('\n')}
</table>
<ul>
<li><a href="${metrics}">${metrics}</a> what Prometheus scrapes
<li><a href="/-/healthy">/-/healthy</a> 200 while the process answers
<li><a href="/-/ready">/-/ready</a> 200 once packets are counted, else 503 and why
</ul>
</main>
`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
