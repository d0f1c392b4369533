import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { SeenMessage } from '../../../bridges/sandbox/control.ts'
import { png } from '../../bridges/kit/media/crafted-files.ts'
import { rawEvents, redactionsOf } from './raw-room.ts'
import { type Friend, meetFriend } from './stories-in.ts'
import type { Story } from './strikes.ts'
import { eventually, type Quarter, type StruckTown } from './struck-town.ts'

const drained = [
  ...['transaction received', 'transaction stored', 'transaction answered', 'transaction taken', 'transaction drained'],
  ...['part taken', 'part submitting', 'part answered', 'part settled'],
]
const sent = [
  ...drained,
  ...['event queued', 'webhook received', 'webhook stored', 'item taken', 'item applied', 'item done'],
  ...['event stored', 'event sent', 'event noted', 'state shown', 'homeserver answered'],
]
/** Ends of a send that a person can see. */
const told = /^\w+ (sent|delivered|read)$/
const calledUnknown = /^\w+ unknown$/
const ends = /^\w+ (sent|delivered|read|unknown)$/
const emojis = ['👍', '🔥', '😂', '😮', '😢', '🙏', '🎉']

/** Something that Alice did, with how often each part of it stands on the phone. */
type Said = {
  readonly what: string
  readonly event: string
  /** That it arrived is not told in the room. */
  readonly quiet?: true
  parts(phone: readonly SeenMessage[]): number[]
}
export type Outward = { readonly stories: readonly Story[]; check(): Promise<void> }

/** What Alice does in one chat, and what must be true of all of it at the end: everything once, in its order, or called unknown. */
export async function storiesOut(town: StruckTown, quarter: Quarter): Promise<Outward> {
  const friend = await meetFriend(town, quarter, `${quarter.network} reader`)
  const record = recordOf(town, quarter, friend)
  const held = reactions(town, quarter, friend)
  return {
    stories: [...messages(town, friend, record), ...changes(town, friend, record), ...held.stories],
    async check() {
      await held.check()
      await checkAll(town, quarter, friend, record.said)
    },
  }
}

type Record = {
  readonly said: Said[]
  /** The next text; WhatsApp takes one message in six seconds for a person. */
  next(): Promise<string>
  /** Notes what was said; gives what waits until it is there. */
  note(said: Said): () => Promise<unknown>
}

function recordOf(town: StruckTown, quarter: Quarter, { person }: Friend): Record {
  const said: Said[] = []
  let texts = 0
  let before = quarter.sendsCutOff()
  return {
    said,
    async next() {
      // From here on: the bridge may be struck before it is known what was said.
      before = quarter.sendsCutOff()
      await town.sandbox.control.advance({ ms: 20_000 })
      return `to ${quarter.network} ${texts++}`
    },
    note(one) {
      said.push(one)
      const since = before
      // A send that was cut off may be lost, which is told after a while, and looked for at the end.
      const here = async () =>
        one.parts(await person.sees()).every((count) => count > 0) || quarter.sendsCutOff() > since ? true : undefined
      return () => eventually(`${quarter.network} sees ${one.what}`, here, town.stand)
    },
  }
}

const withText = (text: string) => (phone: readonly SeenMessage[]) => [phone.filter((seen) => seen.text === text).length]

function messages({ alice }: StruckTown, { room, seat, hello }: Friend, { next, note }: Record): Story[] {
  const first = () => seat.sees().find(({ text }) => text.startsWith('hello from'))?.event ?? ''
  let width = 8
  return [
    {
      name: 'a message',
      points: [...sent, 'event read'],
      async tell() {
        const text = await next()
        return note({ what: text, event: await alice.in(room).says(text), parts: withText(text) })
      },
    },
    {
      name: 'an answer',
      points: [...sent, 'event read'],
      async tell() {
        const text = await next()
        const event = await seat.says(text, { replyTo: first() })
        return note({
          what: `the answer ${text}`,
          event,
          parts(phone) {
            const there = phone.filter((seen) => seen.text === text)
            for (const one of there) expect(one.replyTo, text).to.equal(hello)
            return [there.length]
          },
        })
      },
    },
    {
      name: 'a picture with words',
      points: [...sent, 'event read', 'file downloaded', 'file given'],
      async tell() {
        const caption = await next()
        const bytes = png({ width: width++, height: 8 })
        const event = await seat.sends({ kind: 'm.image', mime: 'image/png', name: 'a.png', bytes, caption })
        const hash = createHash('sha256').update(bytes).digest('hex')
        const isPicture = ({ files = [] }: SeenMessage) => files.some(({ sha256 }) => sha256 === hash)
        return note({
          what: `the picture ${caption}`,
          event,
          parts: (phone) => [...withText(caption)(phone), phone.filter(isPicture).length],
        })
      },
    },
  ]
}

/** Corrections and withdrawals, each of a message of its own. */
function changes(town: StruckTown, { person, room, seat }: Friend, { next, note }: Record): Story[] {
  let current = { id: '', event: '' }
  const prepare = async () => {
    const text = await next()
    const event = await seat.says(text)
    await note({ what: text, event, parts: withText(text) })()
    const find = async () => (await person.sees()).find((seen) => seen.text === text)?.id
    current = { id: await eventually(`the id of ${text}`, find, town.stand), event }
  }
  return [
    {
      name: 'a correction',
      points: sent,
      prepare,
      async tell() {
        const text = await next()
        const event = await seat.edits(current.event, text)
        return note({ what: `the correction ${text}`, event, parts: withText(`✏️ Corrected: ${text}`) })
      },
    },
    {
      name: 'a withdrawal',
      points: sent.filter((point) => !/^(event (stored|sent|noted)|homeserver answered)$/.test(point)),
      prepare,
      async tell() {
        const { id, event: target } = current
        await town.sandbox.control.advance({ ms: 20_000 })
        await seat.redacts(target)
        const [redaction] = redactionsOf(await rawEvents(town.alice, room), target)
        const parts = (phone: readonly SeenMessage[]) => [
          phone.filter(({ text, replyTo }) => text === '🗑 This message was taken back.' && replyTo === id).length,
        ]
        return note({ what: `the withdrawal of ${target}`, event: redaction?.event_id ?? '', quiet: true, parts })
      },
    },
  ]
}

/** The reaction that the account holds: whatever was cut off, it ends as Alice left it. */
function reactions(town: StruckTown, { network }: Quarter, { person, seat, hello }: Friend): Outward {
  let given = 0
  let standing: { emoji: string; event: string } | undefined
  const first = () => seat.sees().find(({ text }) => text.startsWith('hello from'))?.event ?? ''
  const stands = async () => {
    const wanted = standing?.emoji
    const isSo = async () => {
      const { reactions: held = [] } = (await person.sees()).find(({ id }) => id === hello) ?? {}
      return held.map(({ emoji }) => emoji).join() === (wanted ?? '') ? true : undefined
    }
    await eventually(`${wanted} on ${network}`, isSo, town.stand)
  }
  const give = async () => {
    const emoji = emojis[given++ % emojis.length] ?? ''
    standing = { emoji, event: await seat.reacts(first(), emoji) }
  }
  const takeBack = async () => {
    if (standing) await seat.redacts(standing.event)
    standing = undefined
  }
  const story = (name: string, before: () => Promise<void>, act: () => Promise<void>): Story => ({
    name,
    points: drained,
    async prepare() {
      await before()
      await stands()
    },
    async tell() {
      await town.sandbox.control.advance({ ms: 20_000 })
      await act()
      return stands
    },
  })
  return {
    stories: [story('a reaction', takeBack, give), story('a reaction taken back', async () => (standing ? undefined : give()), takeBack)],
    check: stands,
  }
}

async function checkAll({ stand }: StruckTown, quarter: Quarter, { person, seat }: Friend, said: readonly Said[]): Promise<void> {
  const { network } = quarter
  const endOf = ({ event }: Said) => seat.fateOf(event).find((fate) => told.test(fate)) ?? seat.fateOf(event).at(-1)
  const isThere = (phone: readonly SeenMessage[], one: Said) => one.parts(phone).every((count) => count > 0)
  const open = async () => {
    const phone = await person.sees()
    const isSettled = (one: Said) => ends.test(endOf(one) ?? '') || (one.quiet === true && isThere(phone, one))
    return said.filter((one) => !isSettled(one)).map((one) => `${one.what}: ${endOf(one)}`)
  }
  await eventually(
    `the fate of all on ${network}`,
    async () => ((await open()).length === 0 ? true : undefined),
    async () => `${JSON.stringify(await open())}\n${stand()}`,
  )
  const phone = await person.sees()
  for (const one of said) for (const count of one.parts(phone)) expect(count, one.what).to.be.at.most(1)
  const numbers = phone.flatMap(({ from, text }) => (from === 'me' ? [] : [...text.matchAll(/to \w+ (\d+)$/g)].map(([, n]) => Number(n))))
  expect(numbers, network).to.deep.equal([...numbers].sort((one, other) => one - other))
  const lost = said.filter((one) => !isThere(phone, one))
  expect(lost.length, 'what is not known to have arrived').to.be.at.most(quarter.sendsCutOff())
  for (const one of lost) {
    expect(endOf(one), one.what).to.match(calledUnknown)
    const notices = () => seat.sees().filter(({ replyTo, text }) => replyTo === one.event && /may have been sent/.test(text))
    await eventually(`words about ${one.what}`, () => notices()[0], stand)
    expect(notices(), one.what).to.have.length(1)
  }
}
