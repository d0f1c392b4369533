import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { headersWithScript, html, page } from '../http/html.ts'

/** A page that logs in for clients that know none of the flows. https://spec.matrix.org/v1.19/client-server-api/#login-fallback */
export function loginFallback(): Endpoint[] {
  const content = html`<h1>Log in</h1>
<p id="refused" class="alert" role="alert" hidden></p>
<form id="login">
<label for="user">User name</label><input id="user" name="user" autocomplete="username" required maxlength="255">
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Log in</button>
</form>
<noscript><p>This page needs JavaScript, as the client that opened it does.</p></noscript>`
  const body = page('Log in', content, script)
  const headers = headersWithScript(script, "connect-src 'self'")
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/static/client/login/',
      aliases: ['/_matrix/static/client/login'],
      operationId: 'getLoginFallback',
      auth: 'none',
      body: 'none',
      rate: 'other',
      handle: () => ({ body, headers }),
    }),
  ]
}

/** "Non-credential parameters valid for the /login endpoint can be provided as query string parameters." */
const script = `
const form = document.getElementById('login'), refused = document.getElementById('refused')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const query = new URLSearchParams(location.search)
  const wanted = { type: 'm.login.password', identifier: { type: 'm.id.user', user: form.user.value }, password: form.password.value }
  for (const key of ['device_id', 'initial_device_display_name']) if (query.get(key)) wanted[key] = query.get(key)
  if (query.get('refresh_token') === 'true') wanted.refresh_token = true
  let answer
  try {
    const response = await fetch('/_matrix/client/v3/login', { method: 'POST', body: JSON.stringify(wanted) })
    answer = await response.json()
  } catch {
    answer = { error: 'The server cannot be reached.' }
  }
  refused.hidden = !!answer.access_token
  refused.textContent = answer.error || ''
  if (answer.access_token && window.matrixLogin && window.matrixLogin.onLogin) window.matrixLogin.onLogin(answer)
})
`
