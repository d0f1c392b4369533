import { expect } from 'chai'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { png } from '../../bridges/kit/media/crafted-files.ts'
import type { Seat, Seen } from '../../trips/matrix-seat.ts'
import { rawEvents, redactionsOf, relationOf } from './raw-room.ts'
import type { Story } from './strikes.ts'
import { eventually, type Quarter, type StruckTown } from './struck-town.ts'

const taken = ['webhook received', 'webhook stored', 'webhook answered', 'item taken', 'item applied', 'item done', 'homeserver answered']
const sent = [...taken, 'event encrypted', 'event stored', 'event sent', 'event noted']
const told = [...sent, 'portal known', 'ghost known']
const emojis = ['👍', '❤', '😂', '😮', '😢', '🙏', '🎉']

/** What a network tells of, each in its chat with Alice, and what must be true of all of it at the end. */
export type Inward = { readonly stories: readonly Story[]; check(): Promise<void> }

/** A friend of Alice who has said hello, and their chat. */
export type Friend = {
  readonly person: ScriptedPerson
  readonly room: string
  readonly seat: Seat
  readonly hello: string
  readonly ghost: string
}

/** Everything that Alice sees, wherever it is. */
export function everywhere({ alice }: StruckTown): (Seen & { room: string })[] {
  return alice.rooms().flatMap((room) =>
    alice
      .in(room)
      .sees()
      .map((seen) => ({ room, ...seen })),
  )
}

export async function meetFriend(town: StruckTown, quarter: Quarter, name: string): Promise<Friend> {
  const person = await quarter.newcomer(name)
  const hello = await person.says(`hello from ${name}`)
  const { room, sender } = await appears(town, `hello from ${name}`)
  return { person, room, seat: town.alice.in(room), hello, ghost: sender }
}

/** Waits until Alice sees a text. */
export function appears(town: StruckTown, text: string): Promise<Seen & { room: string }> {
  return eventually(`Alice sees ${text}`, () => everywhere(town).find((seen) => seen.text === text), town.stand)
}

export async function storiesIn(town: StruckTown, quarter: Quarter): Promise<Inward> {
  const friend = await meetFriend(town, quarter, `${quarter.network} friend`)
  const parts = [newcomers, messages, reactions, changes, statuses].map((make) => make(town, quarter, friend))
  return {
    stories: parts.flatMap(({ stories }) => stories),
    async check() {
      for (const part of parts) await part.check()
      expect(await friend.seat.faults(), quarter.network).to.deep.equal([])
    },
  }
}

function newcomers(town: StruckTown, { network, newcomer }: Quarter): Inward {
  let people = 0
  const story: Story = {
    name: 'the first message of somebody new',
    points: [...told, 'room made', 'ghost joined'],
    async tell() {
      const name = `${network} ${people++}`
      await (await newcomer(name)).says(`from ${name}`)
      return () => appears(town, `from ${name}`)
    },
  }
  return {
    stories: [story],
    async check() {
      const found = Array.from({ length: people }, (_, n) => everywhere(town).filter(({ text }) => text === `from ${network} ${n}`))
      expect(found.map(({ length }) => length).filter((length) => length !== 1)).to.deep.equal([])
      expect(new Set(found.map(([one]) => one?.room)).size, network).to.equal(people)
    },
  }
}

function messages(town: StruckTown, { network }: Quarter, { person, seat, hello, room }: Friend): Inward {
  const expected: string[] = []
  const say = async (text: string, how: () => Promise<unknown>) => {
    expected.push(text)
    await how()
    return () => appears(town, text)
  }
  const data = png({ width: 8, height: 8 }).toString('base64')
  const stories: Story[] = [
    {
      name: 'a picture with words',
      points: [...told, 'file opened', 'file uploaded', 'file fetched'],
      async tell() {
        const text = `${network} picture ${expected.length}`
        return say(text, () => person.sends({ files: [{ kind: 'image', mime: 'image/png', data }], text }))
      },
    },
    {
      name: 'an answer',
      points: told,
      async tell() {
        const text = `${network} answer ${expected.length}`
        return say(text, () => person.says(text, { replyTo: hello }))
      },
    },
  ]
  return {
    stories,
    async check() {
      const seen = seat.sees().filter(({ text }) => /(picture|answer) \d+$/.test(text))
      expect(
        seen.map(({ text }) => text),
        network,
      ).to.have.members(expected)
      expect(seen, network).to.have.length(expected.length)
      const first = seat.sees().find(({ text }) => text.startsWith('hello from'))?.event
      for (const one of seen) expect(one.replyTo, one.text).to.equal(/answer/.test(one.text) ? first : undefined)
      for (const one of seen) expect(one.kind, one.text).to.equal(/answer/.test(one.text) ? 'm.text' : 'm.image')
      const hasWords = (await rawEvents(town.alice, room)).filter(({ type }) => type === 'm.room.encrypted')
      expect(new Set(hasWords.map(({ event_id }) => event_id)).size).to.equal(hasWords.length)
    },
  }
}

function reactions(town: StruckTown, { network }: Quarter, { person, seat, hello, room, ghost }: Friend): Inward {
  let given = 0
  let standing: string | undefined
  const event = () => seat.sees().find(({ text }) => text.startsWith('hello from'))
  const stands = async () => {
    const wanted = standing === undefined ? [] : [standing]
    const have = () => (event()?.reactions ?? []).map(({ emoji }) => emoji)
    await eventually(`${wanted.join()} on ${network}`, () => (have().join() === wanted.join() ? true : undefined), town.stand)
  }
  const give = async () => {
    standing = emojis[given++ % emojis.length]
    await person.reacts(hello, standing)
  }
  const prepare = async () => {
    if (standing !== undefined) return
    await give()
    await stands()
  }
  const story = (name: string, points: readonly string[], act: () => Promise<void>): Story => {
    const tell = async () => {
      await act()
      return stands
    }
    return { name, points: [...taken, 'target known', 'reaction redacted', ...points], prepare, tell }
  }
  return {
    stories: [
      story('a reaction in place of another', ['event stored', 'event sent', 'event noted'], give),
      story('a reaction taken back', [], async () => {
        standing = undefined
        await person.reacts(hello)
      }),
    ],
    async check() {
      await stands()
      const events = await rawEvents(town.alice, room)
      const all = events.filter(({ type, sender }) => type === 'm.reaction' && sender === ghost)
      expect(all, network).to.have.length(given)
      const taken = all.map(({ event_id }) => redactionsOf(events, event_id).length)
      expect(taken.filter((count) => count > 1)).to.deep.equal([])
      expect(taken.filter((count) => count === 1)).to.have.length(standing === undefined ? given : given - 1)
    },
  }
}

/** Corrections and withdrawals, each of a message of its own. */
function changes(town: StruckTown, { network }: Quarter, { person, seat, room }: Friend): Inward {
  const edited: string[] = []
  const undone: string[] = []
  let current = { id: '', event: '' }
  let written = 0
  const prepare = async () => {
    const text = `${network} slip ${written++}`
    const id = await person.says(text)
    current = { id, event: (await appears(town, text)).event }
  }
  const find = (event: string) => seat.sees().find((seen) => seen.event === event)
  const edit: Story = {
    name: 'a correction',
    points: [...sent, 'target known'],
    prepare,
    async tell() {
      const { id, event } = current
      edited.push(event)
      await person.edits(id, `${network} corrected ${event}`)
      const here = () => (find(event)?.text === `${network} corrected ${event}` ? true : undefined)
      return () => eventually(`${network} corrected`, here, town.stand)
    },
  }
  const undo: Story = {
    name: 'a withdrawal',
    points: [...taken, 'target known', 'message redacted'],
    prepare,
    async tell() {
      const { id, event } = current
      undone.push(event)
      await person.unsends(id)
      return () => eventually(`${network} taken back`, () => (find(event)?.deleted ? true : undefined), town.stand)
    },
  }
  return {
    stories: network === 'messenger' ? [edit] : [edit, undo],
    async check() {
      const events = await rawEvents(town.alice, room)
      const replacing = events.map(relationOf).filter(({ rel_type }) => rel_type === 'm.replace')
      expect(
        replacing.map(({ event_id }) => event_id),
        network,
      ).to.have.members(edited)
      expect(replacing).to.have.length(edited.length)
      for (const event of undone) expect(redactionsOf(events, event), event).to.have.length(1)
    },
  }
}

/** What becomes of a message of Alice: it arrives when a phone is switched on, and is read. */
function statuses(town: StruckTown, { network }: Quarter, { person, seat, ghost }: Friend): Inward {
  const sentEvents: string[] = []
  const prepare = async () => {
    await person.becomes({ online: false })
    await town.sandbox.control.advance({ ms: 20_000 })
    const event = await seat.says(`for ${network} ${sentEvents.length}`)
    sentEvents.push(event)
    await eventually(`${event} is sent`, () => (seat.fateOf(event).includes(`${network} sent`) ? true : undefined), town.stand)
  }
  const story: Story = {
    name: 'marks of a message',
    points: [...taken, 'state shown', 'event stored', 'event sent', 'event noted'],
    prepare,
    async tell() {
      const event = sentEvents.at(-1) ?? ''
      await person.becomes({ online: true })
      await person.reads()
      const here = () => (seat.fateOf(event).includes(`${network} read`) && seat.readersOf(event).includes(ghost) ? true : undefined)
      return () => eventually(`${event} is read`, here, town.stand)
    },
  }
  return {
    stories: [story],
    async check() {
      for (const event of sentEvents) {
        const fates = seat.fateOf(event)
        expect(fates.at(-1), event).to.equal(`${network} read`)
        expect(new Set(fates).size, fates.join()).to.equal(fates.length)
      }
      const texts = (await person.sees()).filter(({ from }) => from !== 'me').map(({ text }) => text)
      expect(texts).to.deep.equal(sentEvents.map((_, n) => `for ${network} ${n}`))
    },
  }
}
