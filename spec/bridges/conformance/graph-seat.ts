import { connectors } from '../../../bridges/connectors.ts'
import { type Network, objectOf } from '../../../bridges/sandbox/accounts.ts'
import { createClock } from '../../../bridges/sandbox/clock.ts'
import { type SandboxControl, SandboxError, type SeenMessage, type SendInput } from '../../../bridges/sandbox/control.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import type { Mishap, Phone, Seat, Seen, Sending, SentFile } from './seat.ts'

/** One of Meta's networks, as the sandbox plays it; the number of WhatsApp is used in the Business app too, unless told otherwise. */
export async function graphSeat(network: Network, { coexistence = true } = {}): Promise<Seat> {
  const clock = createClock(Date.UTC(2026, 10, 1))
  const sandbox = await startSandbox({ clock, firstRetryMs: 5, longestRetryMs: 20 })
  const { control, accounts } = sandbox
  const { id: account, appSecret, accessToken } = accounts[network]
  await control.setCoexistence({ on: coexistence })
  const person = await sandbox.person({ network, name: 'Ana' })
  return {
    connector: connectors[network]({ baseUrl: `${sandbox.url}/`, version: 'v25.0', appSecret, verifyToken: 'a word' }),
    secrets: { account, accessToken },
    phone: phoneOf(control, network, person),
    clock,
    listen: (url) => control.setWebhook({ object: objectOf[network], url, verifyToken: 'a word' }),
    settle: () => control.settle({ network }),
    mishap: (kind) => strike(control, network, kind),
    slownessMs: 60_000,
    restoreToken: () => control.setToken({ network, expired: false }),
    tell: ({ copies = 1, newestFirst = false, held = false }) =>
      control.setDelivery({ network, extraCopies: copies - 1, reversed: newestFirst, held }),
    close: () => sandbox.close(),
  }
}

function phoneOf(control: SandboxControl, network: Network, person: ScriptedPerson): Phone {
  const who = { network, person: person.info.id }
  return {
    async sends(sending) {
      const { text = '', replyTo, oddity } = sending
      try {
        if (oddity) return await person.says('', { unsupported: 'poll_creation' })
        const input = inputOf(sending)
        return input ? await person.sends(input) : await person.says(text, replyTo === undefined ? {} : { replyTo })
      } catch (error) {
        if (error instanceof SandboxError) return 'cannot'
        throw error
      }
    },
    reacts: (id, emoji) => done(person.reacts(id, emoji)),
    edits: (id, text) => done(person.edits(id, text)),
    unsends: (id) => done(person.unsends(id)),
    reads: () => done(person.reads()),
    async becomesAnother() {
      if (network !== 'whatsapp') return 'cannot'
      return done(control.changeNumber(who))
    },
    goesOffline: () => person.becomes({ online: false }),
    sees: async () => (await control.view(who)).messages.map(seenOf),
    seesTyping: async () => (await control.view(who)).typing,
  }
}

async function done(doing: Promise<void>): Promise<'done'> {
  await doing
  return 'done'
}

/** What is more than words; undefined for words alone. */
function inputOf({ text, file, album, place, card, share, replyTo, forwarded }: Sending): SendInput | undefined {
  const more = { ...(text === undefined ? {} : { text }), ...(replyTo === undefined ? {} : { replyTo }) }
  const marked = { ...more, ...(forwarded ? { forwarded: 'once' as const } : {}) }
  const files = album ?? (file ? [file] : [])
  if (files.length > 0) return { ...marked, files: files.map(fileInput) }
  if (place) return { ...marked, place: { ...place } }
  if (card) {
    const phones = card.phones.map(({ number }) => ({ phone: number }))
    return { ...marked, cards: [{ name: { formatted_name: card.name, first_name: card.name }, phones }] }
  }
  return share ? { ...marked, share } : forwarded ? marked : undefined
}

function fileInput({ kind, mime, bytes, name }: SentFile) {
  return { kind, mime, data: bytes.toString('base64'), ...(name === undefined ? {} : { name }) }
}

function seenOf({ id, from, text, replyTo, files, place, cards, reactions, edited, deleted, seen }: SeenMessage): Seen {
  const [file] = files ?? []
  const reaction = reactions?.find((one) => one.from !== 'me')?.emoji
  const where = place as Seen['place'] | undefined
  return {
    ...{ id, mine: from === 'me', text, edited: edited === true, deleted: deleted === true, seen: seen === true },
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(file ? { file } : {}),
    ...(where ? { place: where } : {}),
    ...(cards ? { cards: cards.map(({ name }) => String((name as { formatted_name?: unknown }).formatted_name)) } : {}),
    ...(reaction === undefined ? {} : { reaction }),
  }
}

const error = (status: number, code: number) => ({ status, code, message: 'a fault of the suite' })

async function strike(control: SandboxControl, network: Network, kind: Mishap): Promise<boolean> {
  switch (kind) {
    case 'answer lost, nothing done':
      await control.setFault({ network, kind: 'cut', when: 'before' })
      return true
    case 'answer lost, done all the same':
      await control.setFault({ network, kind: 'cut', when: 'after' })
      return true
    case 'rate limit':
      await control.setFault({ network, kind: 'rate_limit' })
      return true
    case 'trouble':
      await control.setFault({ network, kind: 'error', error: error(503, 2) })
      return true
    case 'token revoked':
      await control.setToken({ network, revoked: true })
      return true
    case 'refused later':
      if (network !== 'whatsapp') return false
      await control.setFault({ network, kind: 'fail_later', error: error(400, 131026) })
      return true
  }
}
