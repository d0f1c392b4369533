import { createHash } from 'node:crypto'
import type { SandboxControl } from '../../bridges/sandbox/control.ts'
import type { PersonInput } from '../../bridges/sandbox/world.ts'
import { networks } from '../../config/bridge-schema.ts'
import { png } from '../bridges/kit/media/crafted-files.ts'
import type { Needle } from '../support/leaks.ts'
import { breathe, find, inRoom } from './looks.ts'
import type { Seat } from './matrix-seat.ts'
import type { Network, Scene } from './scene.ts'

/** What is sown into a scene, to be looked for afterwards. Everything follows from the seed. */
export type Seeds = {
  readonly people: Readonly<Record<Network, PersonInput>>
  /** What somebody says: a word that is nowhere else. */
  word(what: string): string
  /** The words that were said so far. */
  words(): readonly Needle[]
  readonly cardNumber: string
}

export function sow(seed: string): Seeds {
  const letters = (what: string, length: number) => {
    const hash = createHash('sha512').update(`${seed} ${what}`).digest()
    return [...hash.subarray(0, length)].map((byte) => 'bcdfghjklmnpqrstvwxz'[byte % 20]).join('')
  }
  const digits = (what: string) => {
    const hash = createHash('sha512').update(`${seed} ${what}`).digest()
    return [...hash.subarray(0, 8)].map((byte) => byte % 10).join('')
  }
  const said = new Map<string, string>()
  const name = (network: Network) => `Zo${letters(network, 7)}`
  return {
    people: {
      whatsapp: { network: 'whatsapp', name: name('whatsapp'), phone: `1557${digits('phone')}` },
      messenger: { network: 'messenger', name: name('messenger') },
      instagram: { network: 'instagram', name: name('instagram'), username: `u${letters('username', 12)}` },
    },
    cardNumber: `1558${digits('card')}`,
    word(what) {
      const word = said.get(what) ?? letters(what, 16)
      said.set(what, word)
      return word
    },
    words: () => [...said].map(([what, value]) => ({ what: `the words: ${what}`, value })),
  }
}

/** What nobody but a network and its bridge's vault may know: of people, and of accounts. */
export async function secretsOf(scene: Scene, seeds: Seeds): Promise<Needle[]> {
  const accounts = await scene.control.accounts()
  const of = networks.flatMap((network) => {
    const { info } = scene.people[network]
    const known = { id: info.id, userId: info.userId, phone: info.phone, username: info.username }
    const ids = Object.entries(known).flatMap(([what, value]) => (value === undefined ? [] : [{ what: `${network}: ${what}`, value }]))
    const { accessToken, appSecret, id } = accounts[network]
    const account = { token: accessToken, 'app secret': appSecret, 'account id': id }
    return [...ids, ...Object.entries(account).map(([what, value]) => ({ what: `${network}: ${what}`, value }))]
  })
  const ids = await Promise.all(networks.map((network) => messageIdsOf(scene, network)))
  return [...of, ...ids.flat(), { what: 'the number of a card', value: seeds.cardNumber }]
}

export function namesOf(seeds: Seeds): Needle[] {
  return networks.map((network) => ({ what: `the name on ${network}`, value: seeds.people[network].name }))
}

async function messageIdsOf(scene: Scene, network: Network): Promise<Needle[]> {
  const ids = (await scene.people[network].sees()).map(({ id }) => id)
  return ids.slice(0, 5).map((value, at) => ({ what: `${network}: message id ${at}`, value }))
}

/** Everybody says and does something of each kind; each word of it is a seed. */
export async function playSeeds(scene: Scene, seeds: Seeds, seats: Readonly<Record<Network, Seat>>): Promise<void> {
  for (const network of networks) {
    await playPerson(scene, seeds, network, seats[network])
    await breathe(scene)
    await playAlice(seeds, network, seats[network])
    await breathe(scene)
  }
}

async function playPerson(scene: Scene, { word, cardNumber }: Seeds, network: Network, seat: Seat): Promise<void> {
  const person = scene.people[network]
  const said = await person.says(word(`${network} says`))
  await inRoom(seat, word(`${network} says`))
  await person.reacts(said, '👍')
  await scene.control.setCoexistence({ on: true })
  await person.edits(said, word(`${network} corrects`))
  await scene.control.setCoexistence({ on: false })
  await inRoom(seat, word(`${network} corrects`))
  const data = Buffer.concat([png({ width: 4, height: 4 })]).toString('base64')
  await person.sends({ files: [{ kind: 'image', mime: 'image/png', data }], text: word(`${network} shows`) })
  const inside = Buffer.from(`%PDF-1.7 ${word(`${network} writes in a file`)}`).toString('base64')
  const name = `${word(`${network} names a file`)}.pdf`
  await person.sends({ files: [{ kind: 'file', mime: 'application/pdf', data: inside, name }] })
  if (network !== 'whatsapp') return
  await person.sends({ place: { latitude: 52.5, longitude: 13.4, name: word('a place’s name') } })
  await inRoom(seat, ({ text }) => text.includes(word('a place’s name')))
  const phones = [{ phone: `+${cardNumber}`, type: 'CELL' }]
  await person.sends({ cards: [{ name: { formatted_name: word('a card’s name'), first_name: word('a card’s name') }, phones }] })
  await inRoom(seat, ({ text }) => text.includes(word('a card’s name')))
}

async function playAlice({ word }: Seeds, network: Network, seat: Seat): Promise<void> {
  const said = await seat.says(word(`Alice says to ${network}`))
  await seat.edits(said, word(`Alice corrects for ${network}`))
  const slip = await seat.says(word(`Alice slips before ${network}`))
  await seat.redacts(slip)
  const bytes = Buffer.from(`%PDF-1.7 ${word(`Alice writes in a file for ${network}`)}`)
  await seat.sends({
    ...{ kind: 'm.file', mime: 'application/pdf', name: `${word(`Alice names a file for ${network}`)}.pdf`, bytes },
    caption: word(`Alice shows to ${network}`),
  })
  const last = await seat.says(word(`Alice ends with ${network}`))
  await find(
    `the last words to ${network} are sent`,
    () => (seat.fateOf(last).some((fate) => fate.startsWith(network)) ? true : undefined),
    () => seat.sees().slice(-5),
  )
}

/** Logs in once more, in an encrypted chat with a bridge's bot. */
export async function playLogin(scene: Scene, control: SandboxControl, network: Network): Promise<void> {
  const { id, accessToken } = (await control.accounts())[network]
  const seat = scene.alice.in(await scene.alice.opensChatWith(`@_${network}_bot:hs.test`))
  await inRoom(seat, ({ text }) => text.startsWith('Hello.'))
  await seat.says(`login ${id} ${accessToken}`)
  await inRoom(seat, ({ text }) => text.startsWith('Connected:'))
}
