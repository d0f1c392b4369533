import { type Html, html, page } from '../http/html.ts'
import { product } from '../http/version.ts'

/** The server's first page: what this is, and how to point a client at it. */
export function frontPage(of: { serverName: string; baseUrl: string; isOpen: boolean; needsToken: boolean }): string {
  const registration = of.isOpen
    ? html`<p>Anyone may make an account here${of.needsToken ? ' who has a registration token' : ''}.</p>`
    : html`<p>Accounts are made by the administrators of this server.</p>`
  return page(
    `Tombolo at ${of.serverName}`,
    html`<h1>Tombolo is running</h1>
<p>This is the Matrix server of <code>${of.serverName}</code>. It joins WhatsApp, Instagram and Messenger into shared rooms.</p>
<h2>Point a client at it</h2>
<p>In any Matrix client choose another server than the suggested one and enter</p>
<p><code>${of.baseUrl}</code></p>
${registration}
<h2>For programs</h2>
<ul><li><a href="/_matrix/client/versions">What it speaks</a></li><li><a href="/health">Whether it is well</a></li></ul>
<p class="soft">${product.name} ${product.version}</p>`,
  )
}

/** The form for the first account. */
export function firstAdminPage(of: { serverName: string; token: string; username: string; refused: string | undefined }): string {
  const alert: Html = of.refused === undefined ? html`` : html`<p class="alert" role="alert">${of.refused}</p>`
  return page(
    'Your first account',
    html`<h1>Your first account</h1>
<p>It is the administrator's, on <code>${of.serverName}</code>. This page works once.</p>
${alert}
<form method="post" action="/_tombolo/first-admin">
<input type="hidden" name="token" value="${of.token}">
<label for="username">User name</label>
<input id="username" name="username" value="${of.username}" required autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">Password</label>
<input id="password" name="password" type="password" required minlength="10" maxlength="512" autocomplete="new-password">
<button>Make the account</button>
</form>`,
  )
}

export function firstAdminMadePage(of: { userId: string; baseUrl: string }): string {
  return page(
    'Welcome',
    html`<h1>Welcome</h1>
<p>You are <code>${of.userId}</code>.</p>
<p>Log in with any Matrix client: choose the server <code>${of.baseUrl}</code>, then your user name and password.</p>
<p><a href="/">The server's page</a></p>`,
  )
}

export function linkUsedPage(): string {
  return page(
    'This link does not work',
    html`<h1>This link does not work</h1>
<p>It was used already, or it is not whole. The link stands in what the server said when it was first started.</p>
<p><a href="/">The server's page</a></p>`,
  )
}
