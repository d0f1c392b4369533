import { expect } from 'chai'
import type { NetworkConnector, Session } from '../../../bridges/kit/connector.ts'
import { openStage } from './stage.ts'
import { about } from './stories-about.ts'
import { files } from './stories-files.ts'
import { states } from './stories-states.ts'
import { words } from './stories-words.ts'
import { check, type Story } from './story.ts'
import { pigeonSeat } from './toy/seat.ts'

type Lie = (connector: NetworkConnector) => NetworkConnector

const session =
  (change: (honest: Session) => Partial<Session>): Lie =>
  (connector) => ({
    ...connector,
    open(secrets) {
      const honest = connector.open(secrets)
      return { ...honest, ...change(honest) }
    },
  })
const done = async () => ({ kind: 'sent' }) as const

const lies: readonly (readonly [string, Lie, readonly Story[], RegExp])[] = [
  [
    'says that it tells of what it does not',
    (honest) => ({ ...honest, tells: [...honest.tells, 'reaction'] }),
    about,
    /^a reaction of the person/,
  ],
  [
    'says nothing of what it tells of',
    (honest) => ({ ...honest, tells: honest.tells.filter((kind) => kind !== 'edit') }),
    about,
    /^a correction of the person/,
  ],
  ['has a way to react that does nothing', session(() => ({ react: done })), about, /^a reaction of the room/],
  ['has a way to take back that does nothing', session(() => ({ withdraw: done })), about, /^what the room takes back/],
  ['changes nothing when it says so', session(() => ({ edit: done })), about, /^a correction of the room/],
  ['cuts no text', (honest) => ({ ...honest, split: (text) => [text] }), words, /^a long text/],
  [
    'forgets what a message answers',
    session(({ send }) => ({ send: ({ to, text }, key) => send({ to, text }, key) })),
    words,
    /^a reply of the room stands/,
  ],
  [
    'sends twice',
    session(({ send }) => ({ send: async (message, key) => ((await send(message, key)).kind === 'sent' ? send(message, key) : done()) })),
    words,
    /^a text of the room/,
  ],
  [
    'has signs for marks that nobody sees',
    (honest) => ({ ...honest, markup: { write: () => 'x', read: () => undefined } }),
    words,
    /^a mention/,
  ],
  [
    'calls a lost answer one that may be tried again',
    session(({ send }) => ({
      async send(message, key) {
        const result = await send(message, key)
        return result.kind === 'unknown' ? { ...result, kind: 'retry' } : result
      },
    })),
    states,
    /^a send whose answer is lost and that happened/,
  ],
  [
    'says that it takes voice messages',
    (honest) => ({ ...honest, files: { ...honest.files, voice: { maxBytes: 1000 } } }),
    files,
    /^a voice of the room/,
  ],
]

describe('a connector that', () => {
  for (const [name, lie, stories, pattern] of lies) {
    it(`${name} is found out`, async () => {
      const story = stories.find((one) => pattern.test(one.name))
      expect(story).not.to.equal(undefined)
      const seat = await pigeonSeat()
      const stage = await openStage({ ...seat, connector: lie(seat.connector) })
      const found = await check(story!, stage).then(
        () => false,
        () => true,
      )
      await stage.close()
      expect(found).to.equal(true)
    })
  }
})
