import { expect } from 'chai'
import type { UserId } from '../../server/core/ids.ts'
import type { Hopper } from './cluster.ts'
import { deviceKeysOf, oneTimeKeysOf } from './device-keys.ts'
import type { Journal } from './journal.ts'
import { makeRoom, say } from './load.ts'
import type { Body } from './server.ts'

/** One kind of operation, done again and again by one client, and what must hold of it when all is over. */
export type Operation = {
  readonly name: string
  /** Does it once, asking this process first; resolves once it is acknowledged. */
  once(member: number): Promise<void>
  check(): Promise<void>
}

const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`

async function done(asked: ReturnType<Hopper['insist']>): Promise<Body> {
  const { status, body } = await asked
  expect(status, JSON.stringify(body)).to.equal(200)
  return body
}

/** Messages and their redactions; transactions that were acknowledged are played again at the end. */
export function messages(journal: Journal, who: Hopper, roomId: string): Operation {
  const acknowledged: { path: string; body: object; eventId: string }[] = []
  let turn = 0
  const put = async (member: number, path: string, body: object) => {
    const { event_id: eventId } = await done(who.insist(member, 'PUT', path, body))
    acknowledged.push({ path, body, eventId })
    return eventId as string
  }
  return {
    name: 'messages and redactions',
    async once(member) {
      await say(journal, who, roomId, member)
      const target = await put(member, at(roomId, `/send/m.reaction/${who.userId}-${++turn}`), { turn })
      journal.acknowledgeEvent(roomId, target)
      journal.acknowledgeEvent(roomId, await put(member, at(roomId, `/redact/${encodeURIComponent(target)}/${turn}`), {}))
    },
    async check() {
      for (const { path, body, eventId } of acknowledged) expect((await done(who.insist(0, 'PUT', path, body))).event_id).to.equal(eventId)
      for (const { eventId, path } of acknowledged.filter(({ path }) => path.includes('m.reaction'))) {
        const event = await done(who.insist(0, 'GET', at(roomId, `/event/${encodeURIComponent(eventId)}`)))
        expect([event.content, event.unsigned?.redacted_because?.type], path).to.deep.equal([{}, 'm.room.redaction'])
      }
    },
  }
}

/** Room state. */
export function state(journal: Journal, who: Hopper, roomId: string): Operation {
  let turn = 0
  return {
    name: 'state',
    async once(member) {
      const path = at(roomId, `/state/com.example.state/${encodeURIComponent(who.userId.slice(1))}`)
      journal.acknowledgeEvent(roomId, (await done(who.insist(member, 'PUT', path, { turn: ++turn }))).event_id)
    },
    async check() {
      const found = await done(who.insist(0, 'GET', at(roomId, `/state/com.example.state/${encodeURIComponent(who.userId.slice(1))}`)))
      expect(found).to.deep.equal({ turn })
    },
  }
}

/** New rooms, which somebody else joins. */
export function joins(who: Hopper, other: Hopper): Operation {
  const rooms: string[] = []
  return {
    name: 'joins',
    once: async () => void rooms.push(await makeRoom(who, [other])),
    async check() {
      const { joined_rooms: joined } = await done(other.insist(0, 'GET', '/joined_rooms'))
      expect(joined).to.include.members(rooms)
      for (const roomId of rooms) {
        const { joined: members } = await done(other.insist(0, 'GET', at(roomId, '/joined_members')))
        expect(Object.keys(members)).to.have.members([who.userId, other.userId])
      }
    },
  }
}

/** Read receipts, each on a new message. */
export function receipts(journal: Journal, who: Hopper, roomId: string): Operation {
  let last = ''
  return {
    name: 'receipts',
    async once(member) {
      const eventId = await say(journal, who, roomId, member)
      await done(who.insist(member, 'POST', at(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`), {}))
      last = eventId
    },
    async check() {
      const { rooms } = await done(who.insist(0, 'GET', '/sync?timeout=0'))
      const told = rooms.join[roomId].ephemeral.events.find(({ type }: Body) => type === 'm.receipt')
      expect(told.content[last]?.['m.read']?.[who.userId]).to.be.an('object')
    },
  }
}

/** Account data. */
export function accountData(who: Hopper): Operation {
  const path = `/user/${encodeURIComponent(who.userId)}/account_data/com.example.turn`
  let turn = 0
  return {
    name: 'account data',
    once: async (member) => void (await done(who.insist(member, 'PUT', path, { turn: ++turn }))),
    check: async () => void expect(await done(who.insist(0, 'GET', path))).to.deep.equal({ turn }),
  }
}

/** Messages to a device; `received` are those it got from its syncs, all in all. */
export function toDevice(who: Hopper, target: Hopper, received: () => readonly Body[]): Operation {
  let turn = 0
  return {
    name: 'messages to devices',
    async once(member) {
      const path = `/sendToDevice/com.example.note/${who.deviceId}-${++turn}`
      await done(who.insist(member, 'PUT', path, { messages: { [target.userId]: { [target.deviceId]: { turn } } } }))
    },
    async check() {
      const turns = received().flatMap(({ sender, content }) => (sender === who.userId ? [content.turn] : []))
      expect(turns).to.deep.equal(Array.from({ length: turn }, (_, place) => place + 1))
    },
  }
}

/** One-time keys uploaded by one and claimed by others: none is handed out twice, and none gets lost but with an answer that got lost. */
export function oneTimeKeys(owner: Hopper, claimers: readonly Hopper[]): Operation {
  const device = { userId: owner.userId as UserId, deviceId: owner.deviceId }
  const uploaded = new Set<string>()
  const claimed: string[] = []
  let unanswered = 0
  let turn = 0
  const claim = async (claimer: Hopper, member: number): Promise<boolean> => {
    const body = { one_time_keys: { [owner.userId]: { [owner.deviceId]: 'signed_curve25519' } } }
    const told = await claimer.ask(member, 'POST', '/keys/claim', body).catch(() => undefined)
    if (told?.status !== 200) {
      unanswered++
      return true
    }
    const keys = Object.keys(told.body.one_time_keys[owner.userId]?.[owner.deviceId] ?? {})
    claimed.push(...keys)
    return keys.length > 0
  }
  return {
    name: 'one-time keys',
    async once(member) {
      if (++turn === 1) await done(owner.insist(member, 'POST', '/keys/upload', { device_keys: deviceKeysOf(device).json }))
      const ids = Array.from({ length: 5 }, (_, place) => `A${turn}-${place}`)
      const keys = oneTimeKeysOf(device, ids)
      await done(owner.insist(member, 'POST', '/keys/upload', { one_time_keys: keys }))
      for (const id of Object.keys(keys)) uploaded.add(id)
      await Promise.all(claimers.map((claimer, place) => claim(claimer, member + place)))
    },
    async check() {
      const before = unanswered
      while (await claim(claimers[0]!, 0));
      expect(unanswered).to.equal(before)
      expect(new Set(claimed).size, 'a key was handed out twice').to.equal(claimed.length)
      expect([...uploaded]).to.include.members(claimed)
      expect(uploaded.size - claimed.length, 'keys that nobody has').to.be.at.most(unanswered)
    },
  }
}

/** Uploads, byte for byte. */
export function uploads(who: Hopper): Operation {
  const kept: { uri: string; text: string }[] = []
  return {
    name: 'media',
    async once(member) {
      const text = JSON.stringify({ file: `${who.userId} ${kept.length} `.repeat(3000) })
      const bytes = Buffer.from(text)
      const { content_uri: uri } = await done(who.insist(member, 'POST', '/_matrix/media/v3/upload', bytes, { type: 'application/json' }))
      kept.push({ uri, text })
    },
    async check() {
      for (const { uri, text } of kept) {
        const body = await done(who.insist(0, 'GET', `/_matrix/client/v1/media/download/${uri.slice('mxc://'.length)}`))
        expect(JSON.stringify(body)).to.equal(text)
      }
    },
  }
}
