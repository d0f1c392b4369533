import { gapOf } from './gaps.ts'
import { findPair, type Homeserver, type Other, others } from './homeservers.ts'
import type { Person } from './person.ts'
import { type InRoom, inRoom, makeRoom } from './rooms.ts'

/**
 * The room versions that matter: events that name themselves; without knocks; with all of version 10, which most rooms have; the redactions of 11; rooms
 * named by their creation.
 */
export const versions = ['1', '6', '10', '11', '12'] as const
/** Those in which states are resolved, or events written, in any other way. */
export const allVersions = ['1', '2', '3', '4', '5', '6', '10', '11', '12'] as const
export type Version = (typeof allVersions)[number]

/** Two people on the server where the rooms are made, two on the other. */
export type Cast = {
  readonly host: Homeserver
  readonly guest: Homeserver
  readonly alice: Person
  readonly anna: Person
  readonly bob: Person
  readonly ben: Person
  /** Alice makes a room. */
  makes(wish?: Readonly<Record<string, unknown>>): Promise<InRoom>
  /** Alice makes a room that others are in as well: those of her server, and Bob's. */
  meets(others: readonly Person[], wish?: Readonly<Record<string, unknown>>): Promise<InRoom>
}

let casts = 0

/**
 * A suite for each other server and each direction: rooms, of a version if nothing else is said, are made on one server, the others come from the other.
 */
export function inEachDirection(words: string, version: Version, tell: (cast: () => Cast, other: Other) => void): void {
  for (const other of others) for (const isHost of [false, true]) inOneDirection(words, version, other, isHost, tell)
}

function inOneDirection(
  words: string,
  version: Version,
  other: Other,
  isHost: boolean,
  tell: (cast: () => Cast, other: Other) => void,
): void {
  const [hosting, visiting] = isHost ? [other, 'Tombolo'] : ['Tombolo', other]
  const title = `${words}, in rooms made on ${hosting}, with ${visiting}`
  const suiteGap = gapOf(other, title)
  const declare = suiteGap === undefined ? describe : describe.skip
  declare(suiteGap === undefined ? title : `${title} (${other}: ${suiteGap})`, () => {
    let cast: Cast
    before(async function () {
      const pair = await findPair(this, other)
      cast = await (isHost ? makeCast(pair.other, pair.tombolo, version) : makeCast(pair.tombolo, pair.other, version))
    })
    beforeEach(function () {
      const test = this.currentTest as Mocha.Test
      const gap = gapOf(other, test.fullTitle())
      if (gap === undefined) return
      test.title += ` (${other}: ${gap})`
      this.skip()
    })
    after(() => {
      for (const server of ['host', 'guest'] as const) cast?.[server].cable.mend()
    })
    tell(() => cast, other)
  })
}

/** The same for each of the versions. */
export function inEachVersion(words: string, tell: (cast: () => Cast, version: Version) => void): void {
  for (const version of versions) inEachDirection(`${words} in version ${version}`, version, (cast) => tell(cast, version))
}

async function makeCast(host: Homeserver, guest: Homeserver, version: Version): Promise<Cast> {
  casts += 1
  const named = (home: Homeserver, name: string) => home.register(`${name}${casts}`)
  const [alice, anna, bob, ben] = await Promise.all([named(host, 'alice'), named(host, 'anna'), named(guest, 'bob'), named(guest, 'ben')])
  const makes: Cast['makes'] = async (wish = {}) => inRoom(await makeRoom(alice, { version, ...wish }))
  const meets: Cast['meets'] = async (others, wish = {}) => {
    const room = await makes({ ...wish, invite: others.map(({ userId }) => userId) })
    for (const other of others) {
      await room.is(other, 'invite')
      await room.enters(other, alice)
      await room.sees(alice, other, 'join')
    }
    return room
  }
  return { host, guest, alice, anna, bob, ben, makes, meets }
}
