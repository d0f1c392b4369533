import type { Home } from '../home.ts'
import { type Html, html, page } from '../http/html.ts'

export type Field = 'user' | 'password' | 'token'

const labels: Readonly<Record<Field, Html>> = {
  user: html`<label for="user">User name</label><input id="user" name="user" autocomplete="username" required maxlength="255">`,
  password: html`<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>`,
  token: html`<label for="token">Registration token</label><input id="token" name="token" autocomplete="off" required maxlength="64">`,
}
const titles: Readonly<Record<string, string>> = {
  'm.login.password': 'Confirm that it is you',
  'm.login.registration_token': 'Your registration token',
  'm.login.terms': 'Terms of this server',
}

/** The form of one stage. */
export function stagePage(of: {
  type: string
  session: string
  fields: readonly Field[]
  terms: Home['config']['registration']['terms']
  refused?: string
}): string {
  const title = titles[of.type] ?? 'Go on'
  const refused = of.refused === undefined ? html`` : html`<p class="alert" role="alert">${of.refused}</p>`
  const isTerms = of.type === 'm.login.terms'
  const policies = of.terms.map(({ name, url }) => html`<li><a href="${url}" rel="noopener noreferrer" target="_blank">${name}</a></li>`)
  const consent = html`<p>To have an account here you agree to:</p><ul>${policies}</ul>
<label><input type="checkbox" name="agree" value="yes" required> I have read them and agree</label>`
  return page(
    title,
    html`<h1>${title}</h1>
${refused}
<form method="post">
<input type="hidden" name="session" value="${of.session}">
${isTerms ? consent : of.fields.map((field) => labels[field])}
<button type="submit">Continue</button>
</form>`,
  )
}

/** https://spec.matrix.org/v1.19/client-server-api/#fallback: "the page must attempt to call `window.onAuthDone`". */
export const doneScript =
  "if (window.onAuthDone) window.onAuthDone(); else if (window.opener && window.opener.postMessage) window.opener.postMessage('authDone', '*')"

export function donePage(): string {
  return page('Done', html`<h1>Thank you</h1><p>You may close this window and go on in your client.</p>`, doneScript)
}

export function expiredPage(): string {
  return page('Begin again', html`<h1>This page is not valid any more</h1><p>Go back to your client and begin again.</p>`)
}
