import { createHash } from 'node:crypto'
import { request } from 'undici'
import type { Phone, Seat, Seen, Sending } from '../seat.ts'
import { createPigeon } from './connector.ts'
import { createPigeonPost, type Letter, type PigeonOffice, token } from './pigeon-post.ts'

/** The pigeon post at the table. */
export async function pigeonSeat(): Promise<Seat> {
  let now = Date.UTC(2026, 10, 1)
  const queue: string[] = []
  const mode = { copies: 1, newestFirst: false, held: false }
  let url = ''
  const office = createPigeonPost((line) => void queue.push(line))
  return {
    connector: createPigeon(office),
    secrets: { account: 'loft', accessToken: token },
    phone: phoneOf(office),
    clock: {
      now: () => now,
      advance: (ms) => {
        now += ms
      },
    },
    async listen(address) {
      url = address
    },
    async settle() {
      while (queue.length > 0 && !mode.held) {
        const line = (mode.newestFirst ? queue.pop() : queue.shift()) ?? ''
        const body = `${line}\n`
        const headers = { 'x-feather': createHash('sha1').update(token).update(body).digest('hex') }
        for (let copy = 0; copy < mode.copies; copy++) {
          const answer = await request(url, { method: 'POST', body, headers })
          await answer.body.dump()
          if (answer.statusCode !== 200) throw new Error(`the bridge answered ${answer.statusCode}`)
        }
      }
    },
    async mishap(kind) {
      if (kind === 'refused later') return false
      if (kind === 'token revoked') office.tokenIsGood = false
      else office.next = kind
      return true
    },
    slownessMs: 30_000,
    async restoreToken() {
      office.tokenIsGood = true
    },
    async tell({ copies = 1, newestFirst = false, held = false }) {
      Object.assign(mode, { copies, newestFirst, held })
    },
    close: async () => undefined,
  }
}

function phoneOf(office: PigeonOffice): Phone {
  const quoted = (text: string) => encodeURIComponent(text)
  const write = (text: string, { replyTo, file }: Sending) => {
    const number = office.count()
    const answers = replyTo === undefined ? {} : { answers: Number(replyTo) }
    office.letters.push({ number, byBusiness: false, text, edited: false, burnt: false, ...answers })
    if (file) office.parcels.set(number, file.bytes)
    office.cry(['letter', number, replyTo ?? '-', file ? quoted(file.name ?? 'parcel') : '-', quoted(text)].join(' '))
    return String(number)
  }
  return {
    async sends(sending) {
      const { text = '', file, album, place, card, share, oddity, forwarded } = sending
      if (oddity) {
        const number = office.count()
        office.cry(`egg ${number}`)
        return String(number)
      }
      if (album || place || card || share || forwarded || (file && (file.kind !== 'file' || text !== ''))) return 'cannot'
      return write(text, sending)
    },
    reacts: async () => 'cannot',
    async edits(id, text) {
      office.change(Number(id), text)
      office.cry(`rewritten ${id} ${quoted(text)}`)
      return 'done'
    },
    async unsends(id) {
      office.change(Number(id), undefined)
      office.cry(`burnt ${id}`)
      return 'done'
    },
    reads: async () => 'cannot',
    becomesAnother: async () => 'cannot',
    goesOffline: async () => undefined,
    sees: async () => office.letters.map(seenOf),
    seesTyping: async () => false,
  }
}

function seenOf({ number, byBusiness, text, answers, parcel, edited, burnt }: Letter): Seen {
  const file = parcel && { kind: 'file' as const, size: parcel.length, sha256: createHash('sha256').update(parcel).digest('hex') }
  return {
    ...{ id: String(number), mine: !byBusiness, text: burnt ? '' : text, edited, deleted: burnt, seen: false },
    ...(answers === undefined ? {} : { replyTo: String(answers) }),
    ...(file ? { file } : {}),
  }
}
