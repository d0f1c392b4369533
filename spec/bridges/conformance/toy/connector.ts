import { createHash } from 'node:crypto'
import type { InboundEvent, NetworkConnector, SendResult, Session } from '../../../../bridges/kit/connector.ts'
import { type Answer, type PigeonPost, token } from './pigeon-post.ts'

const longestLetter = 100
const longestParcel = 1000
const sender = { ids: [{ kind: 'loft', value: 'over the hills' }], name: 'Ana' } as const

/** The bridge's side of the pigeon post. */
export function createPigeon(office: PigeonPost): NetworkConnector {
  return {
    info: { network: 'pigeon', title: 'Pigeon Post', e2ee: 'none' },
    webhook: {
      signedIn: 'x-feather',
      challenge: () => ({ status: 403 }),
      accept(rawBody, signature) {
        if (signature !== createHash('sha1').update(token).update(rawBody).digest('hex')) return { status: 401 }
        const lines = rawBody.toString('utf8').split('\n')
        return { status: 200, items: lines.filter((line) => line !== '').map((line) => ({ dedupKey: line, raw: line })) }
      },
      read: readLine,
    },
    files: { file: { maxBytes: longestParcel } },
    tells: ['message', 'reply', 'file', 'unsupported', 'edit', 'deleted', 'delivered'],
    split: (text) => text.match(new RegExp(`[^]{1,${longestLetter - 8}}`, 'gu')) ?? [],
    login: async ({ account, accessToken }) =>
      accessToken === token && office.tokenIsGood ? { kind: 'done', account, name: 'Loft' } : { kind: 'refused', ...noRing },
    open: () => openSession(office),
  }
}

const noRing = { class: 'credentials', words: 'The ring is not known. Log in again.' }

function readLine(line: string): InboundEvent | undefined {
  const [word, number = '', ...rest] = line.split(' ')
  const said = { account: 'loft', chat: sender, id: number, own: false }
  const about = { account: 'loft', chat: sender, target: number, own: false }
  switch (word) {
    case 'letter': {
      const [answers = '-', parcel = '-', words = ''] = rest
      const text = decodeURIComponent(words)
      const reply = answers === '-' ? {} : { replyTo: answers }
      if (parcel === '-') return { type: 'message', text, ...said, ...reply }
      return { type: 'media', media: [{ kind: 'file', source: { id: number }, name: decodeURIComponent(parcel) }], ...said, ...reply }
    }
    case 'egg':
      return { type: 'unsupported', nativeType: 'egg', ...said }
    case 'rewritten':
      return { type: 'edit', text: decodeURIComponent(rest[0] ?? ''), ...about }
    case 'burnt':
      return { type: 'deleted', ...about }
    case 'landed':
      return { type: 'status', account: 'loft', id: number, state: 'delivered' }
    default:
      return undefined
  }
}

function openSession(office: PigeonPost): Session {
  const taken = new Map<string, Buffer>()
  return {
    async send({ text, replyTo }) {
      if (text.length > longestLetter) return { kind: 'refused', class: 'parameter', words: 'The letter is too heavy.' }
      return resultOf(office.post({ text, ...(replyTo === undefined ? {} : { answers: Number(replyTo) }) }))
    },
    async fetchMedia({ source }) {
      const bytes = 'id' in source ? office.parcels.get(Number(source.id)) : undefined
      return bytes ? { kind: 'open', body: once(bytes) } : { kind: 'refused', class: 'media_gone', words: 'The parcel is gone.' }
    },
    async takeMedia({ size, open }) {
      if (size > longestParcel) return { kind: 'refused', class: 'too_large', words: 'The parcel is too heavy. Send a smaller one.' }
      const chunks: Uint8Array[] = []
      for await (const chunk of open()) chunks.push(chunk)
      taken.set(String(taken.size), Buffer.concat(chunks))
      return { kind: 'taken', id: String(taken.size - 1), as: 'file' }
    },
    async sendMedia({ media, replyTo }) {
      const parcel = taken.get(media.id) ?? Buffer.alloc(0)
      return resultOf(office.post({ text: '', parcel, ...(replyTo === undefined ? {} : { answers: Number(replyTo) }) }))
    },
    edit: async ({ target, text }) => changed(office.change(Number(target), text)),
    withdraw: async ({ target }) => changed(office.change(Number(target), undefined)),
    close: async () => undefined,
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

function changed(answer: Answer): SendResult {
  return answer.kind === 'taken' ? { kind: 'sent' } : resultOf(answer)
}

function resultOf(answer: Answer): SendResult {
  if (answer.kind === 'taken') return { kind: 'sent', id: String(answer.number) }
  switch (answer.why) {
    case 'token':
      return { kind: 'refused', ...noRing }
    case 'rate limit':
      return { kind: 'retry', class: 'rate_limited', words: 'The pigeons are tired.', retryAfterMs: 30_000 }
    case 'trouble':
      return { kind: 'retry', class: 'server', words: 'There is a storm.' }
    case 'answer lost, nothing done':
    case 'answer lost, done all the same':
      return { kind: 'unknown', class: 'network', words: 'It may have been sent. Ask whether it arrived before sending it again.' }
    default:
      return { kind: 'refused', class: 'other', words: 'The pigeon refused.' }
  }
}
