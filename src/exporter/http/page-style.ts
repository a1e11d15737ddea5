// SPDX-License-Identifier: Apache-2.0
/**
 * page-style.ts - the landing page's style sheet: one column on a phone, two on wider screens; light or dark as the
 * reader's system prefers.
 */
import { createHash } from 'node:crypto'

export const STYLE = `
:root{color-scheme:light dark;--ink:#16202b;--soft:#5a6876;--line:#dfe5ea;--paper:#f3f6f8;--card:#fff;
--brand:#0b5c72;--well:#1d7a46;--bad:#b3261e;--fill:#2c8ba6}
@media(prefers-color-scheme:dark){:root{--ink:#e5ebf0;--soft:#97a5b2;--line:#2b3640;--paper:#0e141a;--card:#161e26;
--brand:#0d3e4e;--well:#5cc98b;--bad:#ff8a80;--fill:#3fa3c0}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,"DejaVu Sans",sans-serif;color:var(--ink);background:var(--paper)}
header{background:var(--brand);color:#fff}
header>div,main,footer{max-width:68rem;margin:0 auto;padding:1rem}
header>div{display:flex;flex-wrap:wrap;align-items:baseline;gap:.15rem .8rem;padding:1.4rem 1rem}
h1{margin:0;font-size:1.7rem;letter-spacing:.01em}
h1 small{font-weight:400;font-size:.9rem;opacity:.85;margin-left:.3rem}
header p{margin:0;opacity:.9}
section{break-inside:avoid;background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;min-width:0}
h2{margin:0 0 .6rem;font-size:.8rem;letter-spacing:.07em;text-transform:uppercase;color:var(--soft)}
.state{font-size:1.15rem;font-weight:600;margin:0 0 .6rem}
.state::before{content:"";display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.5em;background:var(--well)}
.state.not{color:var(--bad)}.state.not::before{background:var(--bad)}
.columns{margin-bottom:1rem}.columns section+section,main>nav{margin-top:1rem}
@media(min-width:50rem){.columns{columns:2;column-gap:1rem}}
dl{margin:0;display:grid;grid-template-columns:minmax(0,1fr) auto;gap:.3rem 1rem}
.status{grid-template-columns:fit-content(45%) minmax(0,1fr)}
dt{color:var(--soft)}dt::first-letter{text-transform:uppercase}
dd{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
dd.lost{color:var(--bad);font-weight:600}
.rates{grid-template-columns:repeat(2,minmax(0,1fr));gap:.6rem 1rem}
.rates div{display:flex;flex-direction:column-reverse}
.rates dd{text-align:left;white-space:nowrap;font-size:1.6rem;font-weight:600;line-height:1.2}
.usage{margin:0 0 .65rem}.usage:last-child{margin:0}
.usage div{display:flex;justify-content:space-between;gap:1rem;font-variant-numeric:tabular-nums}
.usage span:first-child{overflow-wrap:anywhere;min-width:0}.usage span:last-child{color:var(--soft);white-space:nowrap}
svg{display:block;width:100%;height:.4rem;border-radius:.2rem;background:var(--line)}
rect{fill:var(--fill)}.high rect{fill:var(--bad)}
code{font:.92em ui-monospace,"DejaVu Sans Mono",monospace}
ol,ul{margin:0;padding:0;list-style:none}li+li{margin-top:.5rem}
li{overflow-wrap:anywhere}time{display:block;color:var(--soft);font-size:.85rem}
.error{color:var(--bad)}.none{color:var(--soft);margin:0}
nav{display:flex;flex-wrap:wrap;gap:.5rem}
nav a{display:block;padding:.5rem .8rem;border:1px solid var(--line);border-radius:.4rem;background:var(--card);
color:inherit;text-decoration:none}
nav a:hover,nav a:focus-visible{border-color:var(--fill)}nav small{color:var(--soft);display:block}
footer{color:var(--soft);font-size:.85rem;padding-top:0}
`

const HASH = createHash('sha256').update(STYLE).digest('base64')

/** Content-Security-Policy: only this style sheet and the inline icon; no scripts, frames or forms. */
export const POLICY = `default-src 'none'; style-src 'sha256-${HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
