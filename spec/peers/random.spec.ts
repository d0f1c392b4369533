import { expect } from 'chai'
import { seededRandom } from '../support/load.ts'
import { type Cast, inEachDirection, type Version } from './cast.ts'
import type { Person } from './person.ts'
import type { InRoom } from './rooms.ts'

/** With RANDOM_SEED and RANDOM_ROUNDS another history, or a longer one. What is said when it fails names the seed. */
const seed = Number(process.env['RANDOM_SEED'] ?? 1)
const rounds = Number(process.env['RANDOM_ROUNDS'] ?? 3)
const deedsOfRound = 14
const tried: readonly Version[] = ['1', '6', '10', '12']

const rules = ['public', 'invite', 'public']
const visibilities = ['shared', 'joined', 'invited', 'world_readable']
const levels = [0, 25, 50, 60, 100]

type Below = (below: number) => number
type Story = { readonly room: InRoom; readonly cast: Cast; readonly below: Below; readonly said: string[] }

inEachDirection('anything at all, while the servers reach each other and while they do not', '12', (cast) => {
  const stories = new Map<Version, Story>()
  before(async function () {
    this.timeout(120_000 + rounds * 60_000)
    const { host, guest } = cast()
    const each = (work: (story: Story) => Promise<unknown>) => Promise.all([...stories.values()].map(work))
    for (const version of tried) stories.set(version, await beginStory(cast(), version))
    for (let round = 0; round < rounds; round++) {
      if (round % 3 !== 2) for (const { cable } of [host, guest]) cable.cut()
      await each(async (story) => {
        for (let deed = 0; deed < deedsOfRound; deed++) await anyDeed(story)
      })
      for (const { cable } of [host, guest]) cable.mend()
      await each(meetAgain)
    }
  })

  for (const version of tried) {
    it(`comes to the same state on both sides: version ${version}, seed ${seed}`, async () => {
      const { alice, bob } = cast()
      const { room, said } = stories.get(version) as Story
      expect(said.filter((line) => line.endsWith('done'))).to.have.length.above(rounds)
      const same = async () => JSON.stringify(await room.stands(alice)) === JSON.stringify(await room.stands(bob))
      await alice.finds('the same state as Bob', same).catch(async () => {
        expect(await room.stands(alice), said.join('\n')).to.deep.equal(await room.stands(bob))
      })
    })
  }
})

async function beginStory(cast: Cast, version: Version): Promise<Story> {
  const { alice, anna, bob, ben, meets } = cast
  const room = await meets([bob, anna, ben], { version, preset: 'public_chat' })
  await room.empowers(alice, bob, 100)
  await room.finds(bob, 'the power', 'm.room.power_levels', ({ users }) => users[bob.userId] === 100)
  return { room, cast, below: seededRandom(seed * 1000 + Number(version)), said: [] }
}

/** Somebody does something, which may be refused. Alice and Bob stay, so that both servers do. */
async function anyDeed({ room, cast, below, said }: Story): Promise<void> {
  const { alice, anna, bob, ben } = cast
  const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T
  const who = pick([alice, anna, bob, ben])
  const whom = pick([anna, ben])
  const state = (type: string, content: Record<string, unknown>) => () => room.sets(who, type, content)
  const deeds: readonly (readonly [words: string, deed: () => Promise<unknown>])[] = [
    ['says', () => room.says(who, `word ${said.length}`)],
    ['names', state('m.room.name', { name: `name ${said.length}` })],
    ['topics', state('m.room.topic', { topic: `topic ${said.length}` })],
    ['rules', state('m.room.join_rules', { join_rule: pick(rules) })],
    ['shows', state('m.room.history_visibility', { history_visibility: pick(visibilities) })],
    ['empowers', () => room.empowers(who, whom, pick(levels))],
    ['lowers the bar', () => lowerTheBar(room, who, pick(levels))],
    ['invites', () => room.acts(who, 'invite', whom)],
    ['kicks', () => room.acts(who, 'kick', whom)],
    ['bans', () => room.acts(who, 'ban', whom)],
    ['unbans', () => room.acts(who, 'unban', whom)],
    ['leaves', () => room.leaves(whom)],
    ['enters', () => room.enters(whom, whom.home === alice.home ? alice : bob)],
    ['renames themself', () => room.sets(who, 'm.room.member', { membership: 'join', displayname: `n${said.length}` }, who.userId)],
  ]
  const [words, deed] = pick(deeds)
  const outcome = await deed().then(
    () => 'done',
    () => 'refused',
  )
  said.push(`${who.userId} ${words} ${whom.userId}: ${outcome}`)
}

async function lowerTheBar(room: InRoom, who: Person, level: number): Promise<string> {
  const now = (await room.reads(who, 'm.room.power_levels')) as { events?: object }
  return room.sets(who, 'm.room.power_levels', { ...now, events: { ...now.events, 'm.room.name': level } })
}

async function meetAgain({ room, cast: { alice, bob }, said }: Story): Promise<void> {
  const mark = `met after ${said.length}`
  await Promise.all([room.says(alice, `Alice ${mark}`), room.says(bob, `Bob ${mark}`)])
  await Promise.all([room.hearsText(alice, `Bob ${mark}`), room.hearsText(bob, `Alice ${mark}`)])
  await room.says(alice, `both ${mark}`)
  await room.hearsText(bob, `both ${mark}`)
}
