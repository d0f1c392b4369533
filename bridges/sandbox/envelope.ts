import { createHmac } from 'node:crypto'
import { objectOf, type SandboxAccount } from './accounts.ts'

/** One happening on its way to a webhook: the `value` of a WhatsApp change, or a `messaging` event. */
export type Happening = Readonly<Record<string, unknown>>

/** The bytes of a webhook body that carries some happenings of one account, spelled as Meta spells JSON: all non-ASCII and slashes escaped. */
export function encodeEnvelope(account: SandboxAccount, happenings: readonly Happening[], now: number): Buffer {
  const entry =
    account.network === 'whatsapp'
      ? {
          id: account.entryId,
          changes: happenings.map((value) => ({ value, field: 'message_echoes' in value ? 'smb_message_echoes' : 'messages' })),
        }
      : { time: now, id: account.entryId, messaging: happenings }
  return Buffer.from(escapeAsMeta(JSON.stringify({ object: objectOf[account.network], entry: [entry] })), 'latin1')
}

/** The headers that prove a body to who knows the app secret. */
export function signatureHeaders(body: Buffer, appSecret: string): Record<string, string> {
  const sign = (algorithm: string) => createHmac(algorithm, appSecret).update(body).digest('hex')
  return { 'x-hub-signature': `sha1=${sign('sha1')}`, 'x-hub-signature-256': `sha256=${sign('sha256')}` }
}

function escapeAsMeta(json: string): string {
  return json.replace(/[/\u007f-\uffff]/g, (unit) => (unit === '/' ? '\\/' : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`))
}
