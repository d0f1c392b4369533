import { setTimeout as sleep } from 'node:timers/promises'
import type { Hopper, Told } from '../cluster.ts'
import { randomNumbers } from '../random-json.ts'
import type { Body } from '../server.ts'
import type { Place, Sites } from './sites.ts'

/** Somebody who acts, or who only looks on: nobody does anything to those. */
export type Person = { readonly hopper: Hopper; readonly site: Place; readonly place: number }
export type Room = { readonly roomId: string; readonly version: string; readonly said: Set<string>; readonly acknowledged: Set<string> }
export type Scene = {
  readonly world: Sites
  readonly actors: readonly Person[]
  readonly watchers: readonly Person[]
  /** Where it happens now. */
  rooms: readonly Room[]
  /** What is drawn by lot: for the story itself, and for each site, so that what is done there does not hang on how fast the others are. */
  readonly random: () => number
  readonly randomAt: readonly (() => number)[]
  readonly patience: number
  /** What was done, in words, for whoever looks why it failed. */
  readonly done: string[]
  readonly counts: { allowed: number; refused: number; unanswered: number }
}

const actorsEach = 2
const levels = [0, 50, 100]
const visibilities = ['shared', 'joined', 'invited', 'world_readable']

/** Two who act and one who looks on at each site. Whoever acts waits so many milliseconds for an answer. */
export async function openScene(world: Sites, seed: number, patience = 4_000): Promise<Scene> {
  const { places } = world
  const people = async (name: string) =>
    Promise.all(places.map(async (site, place) => ({ hopper: await site.register(name), site, place })))
  const actors = (await Promise.all(Array.from({ length: actorsEach }, (_, number) => people(`actor${number}`)))).flat()
  const watchers = await people('watcher')
  const randomAt = places.map((_, place) => randomNumbers(seed * 10 + place + 1))
  const counts = { allowed: 0, refused: 0, unanswered: 0 }
  return { world, actors, watchers, rooms: [], random: randomNumbers(seed * 10), randomAt, patience, done: [], counts }
}

/** Goes on in new rooms of these versions, which all are in; those who act have powers of all kinds. */
export async function moveOn(scene: Scene, versions: readonly string[]): Promise<void> {
  const { actors, watchers } = scene
  const rooms: Room[] = []
  for (const version of versions) rooms.push(await openRoom(version, actors, watchers))
  scene.rooms = rooms
}

async function openRoom(version: string, actors: readonly Person[], watchers: readonly Person[]): Promise<Room> {
  const [creator, ...others] = actors as [Person, ...Person[]]
  const users = Object.fromEntries(others.map(({ hopper }, at) => [hopper.userId, at < others.length / 2 ? 100 : 50]))
  const made = await must(creator, 'POST', '/createRoom', {
    preset: 'public_chat',
    room_version: version,
    power_level_content_override: { users: version === '12' ? users : { ...users, [creator.hopper.userId]: 100 } },
  })
  for (const person of [...watchers, ...others]) await must(person, 'POST', `/join/${made.room_id}?via=${creator.site.serverName}`, {})
  return { roomId: made.room_id, version, said: new Set(), acknowledged: new Set() }
}

/** What each site sees of a room does not begin before all have joined it. */
async function must({ hopper }: Person, method: string, path: string, body: object): Promise<Body> {
  const told = await hopper.insist(0, method, path, body)
  if (told.status !== 200) throw new Error(`${method} ${path}: ${told.status} ${JSON.stringify(told.body)}`)
  return told.body
}

/** So many things happen at each site, at all sites at once. */
export async function act(scene: Scene, count: number): Promise<void> {
  const { world, actors } = scene
  await Promise.all(
    world.places.map(async (_, place) => {
      const here = actors.filter((actor) => actor.place === place)
      const random = scene.randomAt[place] ?? scene.random
      for (let turn = 0; turn < count; turn++) await doOne({ ...scene, random }, pick({ random }, here))
    }),
  )
}

/** Every watcher says something in every room: what is said joins what their site has of it. */
export async function speakUp({ watchers, rooms }: Scene): Promise<void> {
  await Promise.all(
    watchers.flatMap((watcher) =>
      rooms.map(({ roomId }) =>
        must(watcher, 'PUT', `/rooms/${roomId}/send/m.room.message/${nextId()}`, { msgtype: 'm.text', body: 'still here' }),
      ),
    ),
  )
}

/** Every watcher reads every room back to its beginning: what is missing of it is asked for. One after the other, so that the next may have it of the last. */
export async function readBack({ watchers, rooms }: Scene): Promise<void> {
  for (const { hopper } of watchers) {
    await Promise.all(
      rooms.map(async ({ roomId }) => {
        for (let from: string | undefined = ''; from !== undefined; ) {
          const told: Told = await hopper.insist(0, 'GET', `/rooms/${roomId}/messages?dir=b&limit=100${from && `&from=${from}`}`)
          from = told.body.end
        }
      }),
    )
  }
}

let ids = 0
function nextId(): string {
  return `txn${++ids}`
}

async function doOne(scene: Scene, who: Person): Promise<void> {
  const room = pick(scene, scene.rooms)
  const { method, path, body } = await draw(scene, who, room)
  const words = `${who.hopper.userId} ${method} ${path} ${JSON.stringify(body)}`
  const told = await who.hopper.ask(0, method, path, body, { timeout: scene.patience }).catch(() => undefined)
  scene.done.push(`${told?.status ?? 'none'} ${words}`)
  if (told === undefined) scene.counts.unanswered++
  else if (told.status === 200) scene.counts.allowed++
  else scene.counts.refused++
  if (told === undefined) return sleep(100)
  // 502: the server of whoever is invited cannot be reached.
  if (told.status === 500) throw new Error(`${told.status} ${JSON.stringify(told.body)}: ${words}`)
  if (told.status !== 200) return
  if (told.body.event_id !== undefined) room.acknowledged.add(told.body.event_id)
  if (path.includes('/m.room.message/')) room.said.add(told.body.event_id)
}

type Deed = { readonly method: string; readonly path: string; readonly body: object }

async function draw(scene: Scene, who: Person, { roomId, said }: Room): Promise<Deed> {
  const at = `/rooms/${roomId}`
  const user_id = pick(scene, scene.actors).hopper.userId
  const reason = nextId()
  const message = { method: 'PUT', path: `${at}/send/m.room.message/${nextId()}`, body: { msgtype: 'm.text', body: reason } }
  const state = (type: string, body: object, key = '') => ({ method: 'PUT', path: `${at}/state/${type}/${key}`, body })
  const member = (path: string, body: object) => ({ method: 'POST', path: `${at}/${path}`, body })
  const deeds: readonly (() => Deed | Promise<Deed>)[] = [
    () => message,
    () => message,
    () => (said.size === 0 ? message : { method: 'PUT', path: `${at}/redact/${pick(scene, [...said])}/${nextId()}`, body: {} }),
    () => state('m.room.topic', { topic: reason }),
    () => state('m.room.name', { name: reason }),
    () => state('m.room.member', { membership: 'join', displayname: reason }, who.hopper.userId),
    () => state('m.room.history_visibility', { history_visibility: pick(scene, visibilities) }),
    () => state('org.example.thing', { thing: reason }, pick(scene, ['a', 'b', 'c'])),
    () => state('m.room.join_rules', { join_rule: pick(scene, ['public', 'public', 'invite', 'knock']) }),
    () => member('kick', { user_id, reason }),
    () => member('ban', { user_id, reason }),
    () => member('unban', { user_id, reason }),
    () => member('invite', { user_id, reason }),
    () => member('join', { reason }),
    () => member('join', { reason }),
    () => member('leave', { reason }),
    async () => state('m.room.power_levels', await changedLevels(scene, who, at, user_id)),
    async () => state('m.room.power_levels', await changedLevels(scene, who, at, user_id)),
  ]
  return pick(scene, deeds)()
}

/** The levels as they are seen there, with another one for somebody, or for something. */
async function changedLevels(scene: Scene, { hopper }: Person, at: string, userId: string): Promise<object> {
  const told = await hopper.ask(0, 'GET', `${at}/state/m.room.power_levels/`, undefined, { timeout: scene.patience }).catch(() => undefined)
  if (told?.status !== 200) return {}
  const levelsNow = told.body
  if (scene.random() < 0.3) return { ...levelsNow, [pick(scene, ['kick', 'ban', 'invite'])]: pick(scene, levels) }
  return { ...levelsNow, users: { ...levelsNow.users, [userId]: pick(scene, levels) } }
}

export function pick<T>({ random }: Pick<Scene, 'random'>, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}
