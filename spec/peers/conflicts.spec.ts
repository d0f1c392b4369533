import { expect } from 'chai'
import { allVersions, type Cast, inEachDirection, type Version, versions } from './cast.ts'
import type { Person } from './person.ts'
import type { InRoom } from './rooms.ts'

/** What each side does in a room while neither reaches the other, and what both make of it when they do again. */
type Story = {
  readonly words: string
  readonly prepare: (cast: Cast, version: Version) => Promise<InRoom>
  readonly apart: (cast: Cast, room: InRoom) => Promise<unknown>
  readonly after: (cast: Cast, room: InRoom) => Promise<unknown>
}

const twelve = Array.from({ length: 12 }, (_, n) => n)

const stories: readonly Story[] = [
  {
    words: 'two topics of equals become one and the same',
    prepare: async ({ alice, bob, meets }, version) => empowered(await meets([bob], { version }), alice, bob, 100),
    async apart({ alice, bob }, room) {
      await room.sets(alice, 'm.room.topic', { topic: 'of Alice' })
      await room.sets(bob, 'm.room.topic', { topic: 'of Bob' })
      await room.sets(bob, 'm.room.name', { name: 'of Bob' })
    },
    async after({ alice, bob }, room) {
      expect((await room.reads(alice, 'm.room.topic'))['topic']).to.be.oneOf(['of Alice', 'of Bob'])
      for (const person of [alice, bob]) expect(await room.reads(person, 'm.room.name')).to.deep.equal({ name: 'of Bob' })
    },
  },
  {
    words: 'power that was taken counts before what was done with it meanwhile',
    prepare: async ({ alice, bob, meets }, version) => empowered(await meets([bob], { version, name: 'Walk' }), alice, bob, 50),
    async apart({ alice, bob }, room) {
      await room.empowers(alice, bob, 0)
      await room.sets(bob, 'm.room.name', { name: 'of Bob' })
    },
    async after({ alice, bob }, room) {
      for (const person of [alice, bob]) {
        expect(await room.reads(person, 'm.room.name')).to.deep.equal({ name: 'Walk' })
        const { users = {} } = (await room.reads(person, 'm.room.power_levels')) as { users?: Record<string, number> }
        expect(users[bob.userId]).to.equal(0)
      }
    },
  },
  {
    words: 'a ban stands against what the banned did before they heard of it',
    prepare: ({ bob, ben, meets }, version) => meets([bob, ben], { version }),
    async apart({ alice, bob, ben }, room) {
      await room.acts(alice, 'ban', ben)
      await room.sets(ben, 'm.room.member', { membership: 'join', displayname: 'Still Ben' }, ben.userId)
      await room.says(ben, 'still here')
      await room.says(bob, 'I hear you')
    },
    async after({ alice, bob, ben }, room) {
      for (const person of [alice, bob]) expect(await room.memberOf(person, ben.userId)).to.equal('ban')
      await room.is(ben, 'leave')
      await room.hearsText(alice, 'I hear you')
      expect(await room.history(alice)).not.to.include('still here')
    },
  },
  {
    words: 'what two did to a third, and what else each did, comes to the same on both sides',
    async prepare({ alice, bob, ben, meets }, version) {
      const room = await meets([bob, ben], { version })
      return empowered(room, alice, bob, 50)
    },
    async apart({ alice, bob, ben }, room) {
      await room.sets(alice, 'm.room.join_rules', { join_rule: 'public' })
      await room.acts(bob, 'ban', ben)
      await room.acts(alice, 'kick', ben)
      await room.sets(bob, 'm.room.topic', { topic: 'Ben is out' })
    },
    async after({ alice, bob, ben }, room) {
      expect(await room.memberOf(alice, ben.userId))
        .to.equal(await room.memberOf(bob, ben.userId))
        .and.be.oneOf(['leave', 'ban'])
      for (const person of [alice, bob]) {
        expect(await room.reads(person, 'm.room.join_rules')).to.deep.equal({ join_rule: 'public' })
        expect(await room.reads(person, 'm.room.topic')).to.deep.equal({ topic: 'Ben is out' })
      }
    },
  },
  {
    words: 'what was said on both sides is read on both',
    prepare: ({ bob, meets }, version) => meets([bob], { version }),
    async apart({ alice, bob }, room) {
      for (const n of twelve) {
        await room.says(alice, `Alice ${n}`)
        await room.says(bob, `Bob ${n}`)
      }
    },
    async after({ alice, bob }, room) {
      for (const person of [alice, bob]) {
        const heard = async () => (await room.history(person)).filter((text) => /^(Alice|Bob) \d/.test(text))
        await person.finds('all of it', async () => (await heard()).length === 2 * twelve.length)
        for (const name of ['Alice', 'Bob']) {
          expect((await heard()).filter((text) => text.startsWith(name))).to.deep.equal(twelve.map((n) => `${name} ${n}`))
        }
      }
    },
  },
]

inEachDirection('cut off from each other', '12', (cast, other) => {
  // Each time that it reaches nobody Dendrite waits twice as long, and not to hear of it: many rooms at once take it too long.
  const tried = other === 'dendrite' ? versions : allVersions
  const rooms = new Map<string, InRoom>()
  const roomOf = (story: Story, version: Version) => rooms.get(`${story.words} ${version}`) as InRoom
  const each = (work: (story: Story, version: Version) => Promise<unknown>) =>
    Promise.all(
      tried.map(async (version) => {
        for (const story of stories) await work(story, version)
      }),
    )

  before(async function () {
    this.timeout(240_000)
    const { host, guest } = cast()
    await each(async (story, version) => rooms.set(`${story.words} ${version}`, await story.prepare(cast(), version)))
    for (const { cable } of [host, guest]) cable.cut()
    await each((story, version) => story.apart(cast(), roomOf(story, version)))
    for (const { cable } of [host, guest]) cable.mend()
    await each((story, version) => meetAgain(cast(), roomOf(story, version)))
  })

  for (const version of tried) {
    for (const story of stories) {
      it(`version ${version}: ${story.words}`, async () => {
        const { alice, bob } = cast()
        const room = roomOf(story, version)
        const [here, there] = await Promise.all([room.stands(alice), room.stands(bob)])
        expect(here).to.deep.equal(there)
        await story.after(cast(), room)
      })
    }
  }
})

async function empowered(room: InRoom, person: Person, other: Person, level: number): Promise<InRoom> {
  await room.empowers(person, other, level)
  await room.finds(other, 'the power', 'm.room.power_levels', ({ users }) => users[other.userId] === level)
  return room
}

/** Each hears the other again; then one event stands on both sides of the fork. */
async function meetAgain({ alice, bob }: Cast, room: InRoom): Promise<void> {
  await Promise.all([room.says(alice, 'Alice is back'), room.says(bob, 'Bob is back')])
  await Promise.all([room.hearsText(alice, 'Bob is back'), room.hearsText(bob, 'Alice is back')])
  await room.says(alice, 'together again')
  await room.hearsText(bob, 'together again')
}
