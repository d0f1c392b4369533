import type { Hopper } from './cluster.ts'
import type { Journal } from './journal.ts'

/** The same place again and again, the same for the same seed: what was random once can be played again. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Makes a public room by one process and lets everybody join by any. */
export async function makeRoom(creator: Hopper, others: readonly Hopper[], version?: string): Promise<string> {
  const { status, body } = await creator.insist(0, 'POST', '/createRoom', {
    preset: 'public_chat',
    ...(version === undefined ? {} : { room_version: version }),
  })
  if (status !== 200) throw new Error(`createRoom: ${status} ${JSON.stringify(body)}`)
  await Promise.all(
    others.map(async (other, place) => {
      const joined = await other.insist(place, 'POST', `/join/${encodeURIComponent(body.room_id)}`, {})
      if (joined.status !== 200) throw new Error(`join: ${joined.status} ${JSON.stringify(joined.body)}`)
    }),
  )
  return body.room_id
}

/** Sends one message, again under the same transaction id until it is acknowledged. */
export async function say(journal: Journal, hopper: Hopper, roomId: string, member: number): Promise<string> {
  const text = journal.intend(roomId, hopper.userId)
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${encodeURIComponent(text)}`
  const { status, body } = await hopper.insist(member, 'PUT', path, { msgtype: 'm.text', body: text })
  if (status !== 200) throw new Error(`send: ${status} ${JSON.stringify(body)}`)
  journal.acknowledge(text, body.event_id)
  return body.event_id
}

/** Everyone sends `each` messages, one after the other, each to the next of the rooms, by the next process. */
export async function hammer(journal: Journal, hoppers: readonly Hopper[], rooms: readonly string[], each: number): Promise<void> {
  await Promise.all(
    hoppers.map(async (hopper, place) => {
      for (let turn = 0; turn < each; turn++) await say(journal, hopper, rooms[(place + turn) % rooms.length]!, place + turn)
    }),
  )
}
