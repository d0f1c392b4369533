import type { SandboxAccount } from '../accounts.ts'
import type { Happening } from '../envelope.ts'
import type { ErrorSpec } from '../graph-error.ts'
import type { Message, Person } from '../world.ts'

/** The `value` of a change in which a person's message comes; `type` and `content` are the message's own part. */
export function whatsappInbound(
  account: SandboxAccount,
  person: Person,
  message: Pick<Message, 'id' | 'at' | 'replyTo' | 'forwarded'>,
  type: string,
  content: Record<string, unknown>,
): Happening {
  return {
    ...shared(account),
    contacts: [{ profile: { name: person.name }, ...(person.hidesNumber ? {} : { wa_id: person.phone }), user_id: person.userId }],
    messages: [
      {
        ...contextOf(account, message),
        ...(person.hidesNumber ? {} : { from: person.phone }),
        from_user_id: person.userId,
        id: message.id,
        timestamp: seconds(message.at),
        type,
        ...content,
      },
    ],
  }
}

/** The `value` of a change of `smb_message_echoes`: what the owner wrote in the WhatsApp Business app (coexistence). */
export function whatsappEcho(account: SandboxAccount, person: Person, message: Message): Happening {
  const to = person.hidesNumber ? {} : { to: person.phone }
  const { id, at, text } = message
  const echo = { from: account.phone, ...to, to_user_id: person.userId, id, timestamp: seconds(at), type: 'text', text: { body: text } }
  return { ...shared(account), message_echoes: [echo] }
}

/** The `value` of a change that tells how far a message of the business got. */
export function whatsappStatus(
  account: SandboxAccount,
  person: Person,
  message: Message,
  status: 'sent' | 'delivered' | 'read' | 'failed',
  now: number,
  error?: ErrorSpec,
): Happening {
  const recipient = person.hidesNumber ? {} : { recipient_id: person.phone }
  const pricing = { billable: false, pricing_model: 'PMP', category: 'service', type: 'free_customer_service' }
  return {
    ...shared(account),
    statuses: [
      {
        id: message.id,
        status,
        timestamp: seconds(now),
        ...recipient,
        recipient_user_id: person.userId,
        recipient_type: 'individual',
        ...(message.tag === undefined ? {} : { biz_opaque_callback_data: message.tag }),
        ...(error ? { errors: [statusError(error)] } : { pricing }),
      },
    ],
  }
}

function statusError({ code, message, details }: ErrorSpec) {
  const title = message.replace(/^\(#\d+\) /, '')
  const href = 'https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/'
  return { code, title, message: title, error_data: { details: details ?? title }, href }
}

function shared(account: SandboxAccount) {
  return { messaging_product: 'whatsapp', metadata: { display_phone_number: account.phone, phone_number_id: account.id } }
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1000))
}

function contextOf(account: SandboxAccount, { replyTo, forwarded }: Pick<Message, 'replyTo' | 'forwarded'>) {
  const answers = replyTo === undefined ? {} : { from: account.phone, id: replyTo }
  const marks = forwarded === undefined ? {} : forwarded === 'often' ? { frequently_forwarded: true } : { forwarded: true }
  return replyTo === undefined && forwarded === undefined ? {} : { context: { ...answers, ...marks } }
}
