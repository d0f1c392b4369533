import { expect } from 'chai'
import { titleOf } from '../../bridges/kit/names.ts'
import type { SeenMessage } from '../../bridges/sandbox/control.ts'
import { type Network, networks } from '../../config/bridge-schema.ts'
import { png } from '../bridges/kit/media/crafted-files.ts'
import { rawEvents, redactionsOf } from '../support/bridges/raw-room.ts'
import { appears, everywhere, type Friend, meetFriend } from '../support/bridges/stories-in.ts'
import { calm, endsBefore, least } from '../support/bridges/strikes.ts'
import { eventually, openStruckTown, type StruckTown } from '../support/bridges/struck-town.ts'

// The fifth that single chats leave, each way and network.
const kills = Math.ceil(Number(process.env['TOMBOLO_KILLS'] ?? 100) * 0.2) * 2 * networks.length

type Said = { readonly by: Network; readonly text: string; readonly answers?: true; readonly picture?: true }

describe(`a shared room whose bridges are killed ${kills} times`, function () {
  this.timeout(1_800_000)
  let town: StruckTown
  const friends = {} as Record<Network, Friend>
  const anchors = {} as Record<Network, { id: string; event: string }>
  const said: Said[] = []
  const held = {} as Record<Network, string | undefined>
  let given = 0

  before(async () => {
    town = await openStruckTown({ shared: true })
    for (const network of networks) friends[network] = await meetFriend(town, town.quarters[network], `${network} friend`)
    for (const network of networks) {
      const text = `${network} anchor`
      const id = await friends[network].person.says(text)
      anchors[network] = { id, event: (await appears(town, text)).event }
      for (const other of othersOf(network)) await eventually(`${other} sees ${text}`, () => copyOf(other, network, text), town.stand)
    }
  })
  after(() => town?.close())

  const othersOf = (network: Network) => networks.filter((one) => one !== network)
  const phoneOf = async (network: Network) => friends[network].person.sees()
  const prefixOf = (by: Network) => `${by} friend (${titleOf(by)}): `
  const copiesOf = (phone: readonly SeenMessage[], by: Network, text: string) => phone.filter((seen) => seen.text === prefixOf(by) + text)
  const copyOf = async (at: Network, by: Network, text: string) => copiesOf(await phoneOf(at), by, text)[0]

  it('carries what one network’s person says to the two others once, whichever of the three is killed, or calls it unknown', async () => {
    const struck = new Map<string, number>()
    const tried = new Map<string, number>()
    const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
    for (let n = 0, landed = 0; landed < kills; n++) {
      expect(n, 'tellings').to.be.below(kills * 3)
      const by = networks[n % 3] as Network
      const victim = networks[Math.floor(n / 3) % 3] as Network
      const plan = victim === by ? pointsAtSource : pointsAtOthers
      const point = least(plan, (one) => (struck.get(one) ?? 0) + (tried.get(one) ?? 0))
      count(tried, point)
      // WhatsApp takes one message in six seconds for a person.
      await town.sandbox.control.advance({ ms: 20_000 })
      const quarter = town.quarters[victim]
      await quarter.bridge().order({ strike: { point, nth: 1 } })
      const arrived = await tell(by, Math.floor(n / 3) + (n % 3))
      if (await endsBefore(quarter, arrived())) {
        landed++
        count(struck, point)
        await quarter.start()
      } else await calm(quarter)
      await arrived()
    }
    if (kills >= 60) expect([...struck.keys()]).to.include.members([...pointsAtSource, ...pointsAtOthers])
    await check()
  })

  async function tell(by: Network, turn: number): Promise<() => Promise<unknown>> {
    const { person } = friends[by]
    const text = `${by} ${said.length}`
    const cutOff = () => networks.reduce((sum, network) => sum + town.quarters[network].sendsCutOff(), 0)
    const before = cutOff()
    const kind = (['says', 'answers', 'pictures', 'reacts'] as const)[turn % 4]
    if (kind === 'reacts') return react(by)
    if (kind === 'says') await person.says(text)
    if (kind === 'answers') await person.says(text, { replyTo: anchors[by].id })
    const data = png({ width: 8 + said.length, height: 8 }).toString('base64')
    if (kind === 'pictures') await person.sends({ files: [{ kind: 'image', mime: 'image/png', data }], text })
    said.push({ by, text, ...(kind === 'answers' ? { answers: true } : {}), ...(kind === 'pictures' ? { picture: true } : {}) })
    return async () => {
      await appears(town, text)
      for (const other of othersOf(by)) {
        const here = async () => ((await copyOf(other, by, text)) || cutOff() > before ? true : undefined)
        await eventually(`${other} sees ${text}`, here, town.stand)
      }
    }
  }

  /** On the message that all know; the networks let an account hold one reaction, so it is all others' to show. */
  async function react(by: Network): Promise<() => Promise<unknown>> {
    held[by] = held[by] === undefined ? ['👍', '🔥', '🎉'][given++ % 3] : undefined
    await friends[by].person.reacts(anchors[by].id, held[by])
    return () => reactionStands(by)
  }

  async function reactionStands(by: Network): Promise<void> {
    for (const other of othersOf(by)) {
      const isSo = async () => {
        const { reactions = [] } = (await copyOf(other, by, `${by} anchor`)) ?? {}
        return reactions.map(({ emoji }) => emoji).join() === (held[by] ?? '') ? true : undefined
      }
      await eventually(`${other} sees ${by} react with ${held[by]}`, isSo, town.stand)
    }
  }

  async function check(): Promise<void> {
    const seen = everywhere(town)
    const { seat, room } = friends.whatsapp
    expect(new Set(seen.map((one) => one.room)).size).to.equal(1)
    for (const { text } of said)
      expect(
        seen.filter((one) => one.text === text),
        text,
      ).to.have.length(1)
    const eventOf = (text: string) => seen.find((one) => one.text === text)?.event ?? ''
    const isUnknown = (network: Network, text: string) => seat.fateOf(eventOf(text)).includes(`${network} unknown`)
    for (const network of networks) {
      const foreign = said.filter(({ by }) => by !== network)
      const missing = async () => {
        const phone = await phoneOf(network)
        return foreign.filter(({ by, text }) => copiesOf(phone, by, text).length === 0 && !isUnknown(network, text)).map(({ text }) => text)
      }
      // A picture and its caption may be two messages: what became of the one says nothing of the other.
      const untold = async () => {
        const { files, pictures, unknown } = await picturesOn(network, foreign, isUnknown)
        return Math.max(0, pictures.length - unknown.length - files.length)
      }
      const isSettled = async () => ((await missing()).length + (await untold()) === 0 ? true : undefined)
      await eventually(
        `the fate of all on ${network}`,
        isSettled,
        async () => `${await missing()}, ${await untold()} pictures\n${town.stand()}`,
      )
      await checkPhone(network, foreign, isUnknown)
    }
    for (const network of networks) await reactionStands(network)
    const events = await rawEvents(town.alice, room)
    const reactions = events.filter(({ type }) => type === 'm.reaction')
    expect(reactions).to.have.length(given)
    for (const { event_id } of reactions) expect(redactionsOf(events, event_id)).to.have.length.at.most(1)
    expect(await seat.faults()).to.deep.equal([])
  }

  async function picturesOn(network: Network, foreign: readonly Said[], isUnknown: (network: Network, text: string) => boolean) {
    const pictures = foreign.filter(({ picture }) => picture)
    const files = (await phoneOf(network)).filter(({ from, files = [] }) => from !== 'me' && files.length > 0)
    return { pictures, files, unknown: pictures.filter(({ text }) => isUnknown(network, text)) }
  }

  async function checkPhone(network: Network, foreign: readonly Said[], isUnknown: (network: Network, text: string) => boolean) {
    const phone = await phoneOf(network)
    const lost = foreign.filter(({ by, text }) => copiesOf(phone, by, text).length === 0)
    expect(lost.length, network).to.be.at.most(town.quarters[network].sendsCutOff())
    for (const { by, text } of foreign) expect(copiesOf(phone, by, text).length, `${text} on ${network}`).to.be.at.most(1)
    const { files, pictures, unknown } = await picturesOn(network, foreign, isUnknown)
    expect(files.length, network).to.be.within(pictures.length - unknown.length, pictures.length)
    for (const { by, text, answers } of foreign) {
      const [copy] = copiesOf(phone, by, text)
      const anchor = copiesOf(phone, by, `${by} anchor`)[0]?.id
      if (copy) expect(copy.replyTo, text).to.equal(answers ? anchor : undefined)
    }
    // Nothing of their own comes back.
    const own = phone.filter(({ from, text }) => from !== 'me' && text.startsWith(prefixOf(network)))
    expect(own.map(({ text }) => text)).to.deep.equal([])
  }
})

const pointsAtSource = [
  ...['webhook received', 'webhook stored', 'webhook answered', 'item taken', 'ghost known', 'homeserver answered', 'event encrypted'],
  ...['event stored', 'event sent', 'event noted', 'item applied', 'item done'],
]
const pointsAtOthers = [
  ...['transaction received', 'transaction stored', 'transaction answered', 'transaction taken', 'transaction drained', 'event read'],
  ...['event queued', 'part taken', 'part submitting', 'part answered', 'part settled', 'webhook stored', 'item applied', 'state shown'],
]
