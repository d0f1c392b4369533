import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { untilAgreed, widest, withinMs } from '../../support/apart/agreement.ts'
import type { Cut } from '../../support/apart/relay.ts'
import { type Sites, startSites } from '../../support/apart/sites.ts'
import { act, moveOn, openScene, pick, type Scene } from '../../support/apart/story.ts'
import { findPair } from '../homeservers.ts'
import { type Findings, lookAsClients } from './clients-view.ts'
import { lookAtStates } from './servers-view.ts'
import { synapsePlace } from './synapse-place.ts'

const seed = Number(process.env['TOMBOLO_WITNESS_SEED'] ?? randomInt(1_000_000))
const isFull = process.env['TOMBOLO_WITNESS'] === 'full'
/** The versions of the rooms of each round. */
const rounds: readonly (readonly string[])[] = isFull ? Array.from({ length: 6 }, () => ['6', '10', '11', '12']) : [['10'], ['12']]
const deeds = isFull ? 40 : 16
const looks = isFull ? 60 : 15
/** A Synapse whose ways are silent answers some only when they are open again. */
const patience = 1_500
const hour = 3_600_000
const letters = 'ABS'

type Ways = { readonly words: string; readonly cut: (world: Sites, how: Cut) => void }

const apart = [
  [[0], [1, 2]],
  [[1], [0, 2]],
  [[2], [0, 1]],
  [[0], [1], [2]],
].map(
  (groups): Ways => ({
    words: groups.map((group) => group.map((place) => letters[place]).join('')).join('|'),
    cut: (world, how) => world.part(groups, how),
  }),
)
const deaf = [0, 1, 2].flatMap((from) =>
  [0, 1, 2]
    .filter((to) => to !== from)
    .map((to): Ways => ({ words: `${letters[from]} does not reach ${letters[to]}`, cut: (world, how) => world.deafen(from, to, how) })),
)

async function actOverKill(scene: Scene): Promise<void> {
  const { member } = pick(scene, scene.world.sites)
  const killed = sleep(200 + scene.random() * 600).then(() => member.kill())
  await Promise.all([act(scene, deeds), killed.then(() => member.start())])
}

/** Cuts ways by lot, acts at all places meanwhile and after; gives in words what was cut. */
async function playRound(scene: Scene, versions: readonly string[]): Promise<string> {
  const { world } = scene
  await moveOn(scene, versions)
  await untilAgreed(scene, `seed ${seed}`)
  await act(scene, Math.ceil(deeds / 4))
  const ways = pick(scene, scene.random() < 0.3 ? deaf : apart)
  const how = pick(scene, ['refused', 'silent'] satisfies Cut[])
  ways.cut(world, how)
  await actOverKill(scene)
  await act(scene, deeds)
  world.heal()
  await actOverKill(scene)
  const agreed = await untilAgreed(scene, `seed ${seed}`)
  const softFailed = scene.watchers.map(({ site }) =>
    scene.rooms.reduce((sum, { roomId }) => sum + site.stored(roomId).events.filter(({ soft_failed }) => soft_failed).length, 0),
  )
  return `${ways.words}, ${how}: agreed after ${Math.round(agreed)} ms; soft-failed at each: ${softFailed.join(', ')}`
}

async function look(scene: Scene, findings: Findings): Promise<void> {
  for (const room of scene.rooms) {
    await lookAsClients(scene, room, findings)
    const ids =
      scene.watchers[0]?.site
        .stored(room.roomId)
        .events.filter(({ outlier }) => !outlier)
        .map(({ event_id }) => event_id) ?? []
    const drawn = new Set(Array.from({ length: looks }, () => pick(scene, ids)))
    await lookAtStates(scene, room, [...drawn], findings.states)
  }
}

describe('F-11: two of ours (A, B) and a Synapse (S) that conflict while they cannot reach each other', function () {
  this.timeout(withinMs * 2 * (rounds.length + 1))
  const findings: Findings = { members: [], acknowledged: [], timeline: [], events: [], readers: [], states: [] }
  let world: Sites
  before(async function () {
    const { other, files } = await findPair(this, 'synapse')
    world = await startSites(2, [hour, -hour], { place: synapsePlace(other), files })
  })
  after(() => world?.close())

  it(`have the same state to the byte and the same events after each of ${rounds.length} partitions, over kills and with clocks apart`, async () => {
    const scene = await openScene(world, seed, patience)
    const told: string[] = []
    try {
      for (const versions of rounds) {
        told.push(await playRound(scene, versions))
        await look(scene, findings)
      }
    } finally {
      console.log(`      seed ${seed}: ${JSON.stringify(scene.counts)}, widest ${widest(scene)}\n      ${told.join('\n      ')}`)
    }
    expect(scene.counts.allowed).to.be.above(rounds.length * 30)
  })

  const promises: Readonly<Record<keyof Findings, string>> = {
    members: 'list the same members',
    acknowledged: 'have all that anybody was told had been sent, and reject none of it',
    timeline: 'show all that they took, in the order of depths, the same in both directions',
    events: 'show the same of each event',
    readers: 'show nothing to whoever is out, and all to whoever is in',
    states: 'know the same state at each event, and the same that authorised it',
  }
  for (const [what, words] of Object.entries(promises))
    it(words, () => expect(findings[what as keyof Findings], `seed ${seed}`).to.deep.equal([]))
})
