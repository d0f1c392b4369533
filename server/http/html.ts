import { createHash } from 'node:crypto'

/** Markup that is safe to send as it is. */
export type Html = { readonly markup: string }

/** Builds markup: what is filled in is escaped, unless it is markup itself (or a list of it). */
export function html(texts: TemplateStringsArray, ...values: readonly (string | number | Html | readonly Html[])[]): Html {
  return { markup: texts.reduce((all, text, at) => all + filled(values[at - 1]!) + text) }
}

const style = `
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6875; --line: #d7dee5; --paper: #fbfcfd; --accent: #0b6e5f }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa7b4; --line: #33404d; --paper: #12181e; --accent: #4fc3ae } }
body { font: 17px/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 }
main { max-width: 38rem; margin: 12vh auto 4rem; padding: 0 1.25rem }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem }
p, li { margin: .4rem 0 }
a { color: var(--accent) }
code { font-size: .92em; padding: .1em .35em; border: 1px solid var(--line); border-radius: .3em; overflow-wrap: anywhere }
.soft { color: var(--soft) }
.alert { border-left: 3px solid #c0392b; padding-left: .75rem }
label { display: block; margin: 1rem 0 .25rem }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem .6rem; border: 1px solid var(--line); border-radius: .4rem; color: inherit; background: transparent }
button { font: inherit; margin-top: 1.25rem; padding: .55rem 1.2rem; border: 0; border-radius: .4rem; color: #fff; background: #0b6e5f; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
`
const styleHash = createHash('sha256').update(style).digest('base64')

/** What every page is sent with: nothing but its own style may be loaded, nobody may frame it, and its address goes nowhere. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

/** The same for a page that runs one script of ours, which stands in it whole; `also` is a further directive. */
export function headersWithScript(script: string, also = ''): Readonly<Record<string, string>> {
  const digest = createHash('sha256').update(script).digest('base64')
  return {
    ...pageHeaders,
    'Content-Security-Policy': `${pageHeaders['Content-Security-Policy']}; script-src 'sha256-${digest}'${also === '' ? '' : `; ${also}`}`,
  }
}

/** A whole page; `script` is run at its end. */
export function page(title: string, content: Html, script?: string): string {
  const head = html`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>`
  return `<!doctype html><html lang="en"><head>${head.markup}<style>${style}</style></head><body><main>${content.markup}</main>${script === undefined ? '' : `<script>${script}</script>`}</body></html>`
}

function filled(value: string | number | Html | readonly Html[]): string {
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}
