import { setTimeout as sleep } from 'node:timers/promises'
import type { SeenMessage } from '../../bridges/sandbox/control.ts'
import { networks } from '../../config/bridge-schema.ts'
import { names } from './cast.ts'
import type { Seat, Seen } from './matrix-seat.ts'
import type { Network, Scene } from './scene.ts'

const patienceMs = 60_000

/** Looks again until something is there; what is not within the time fails with what was seen instead. */
export async function find<T>(words: string, look: () => Promise<T | undefined> | T | undefined, otherwise: () => unknown): Promise<T> {
  const latest = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > latest) throw new Error(`not there: ${words}\n${JSON.stringify(await otherwise(), null, 1)}`)
    await sleep(40)
  }
}

type Phone = Pick<
  SeenMessage,
  'id' | 'text' | 'replyTo' | 'reactions' | 'files' | 'place' | 'cards' | 'deleted' | 'edited' | 'from' | 'seen'
>
type Match<T> = string | ((message: T) => boolean)
const matcher = <T extends { text: string }>(match: Match<T>) => (typeof match === 'string' ? ({ text }: T) => text === match : match)

/** A message on a person's phone, once it is there. */
export async function onPhone(scene: Scene, network: Network, match: Match<Phone>): Promise<Phone> {
  const sees = () => scene.people[network].sees()
  const fits = matcher(match)
  return find(`${network}: ${match}`, async () => (await sees()).find(fits), sees)
}

/** A message in a room, once it is there. */
export async function inRoom(seat: Seat, match: Match<Seen>): Promise<Seen> {
  const fits = matcher(match)
  const sees = () => seat.sees().map(({ from, text, kind, reactions }) => ({ from, text, kind, reactions }))
  return find(`the room: ${match}`, () => seat.sees().find(fits), sees)
}

/** The networks but one. */
export function others(network: Network): readonly Network[] {
  return networks.filter((one) => one !== network)
}

/** Everybody greets; gives Alice's seat in the room of each chat (one and the same in a hub). */
export async function meetInChats(scene: Scene): Promise<Readonly<Record<Network, Seat>>> {
  const seats: Partial<Record<Network, Seat>> = {}
  for (const network of networks) {
    const greeting = `${names[network]} is here`
    await scene.people[network].says(greeting)
    seats[network] = await find(
      `the room of ${network}`,
      () =>
        scene.alice
          .rooms()
          .map(scene.alice.in)
          .find((seat) => seat.sees().some(({ text }) => text === greeting)),
      scene.logs,
    )
  }
  return seats as Record<Network, Seat>
}

/** Lets the networks' limits on how fast one may write to a person pass. */
export async function breathe(scene: Scene): Promise<void> {
  await scene.control.advance({ ms: 60_000 })
}
