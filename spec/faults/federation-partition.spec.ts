import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { untilAgreed, widest, withinMs } from '../support/apart/agreement.ts'
import type { Cut } from '../support/apart/relay.ts'
import { type Sites, startSites } from '../support/apart/sites.ts'
import { act, moveOn, openScene, pick, type Scene } from '../support/apart/story.ts'

const seed = Number(process.env['TOMBOLO_PARTITION_SEED'] ?? randomInt(1_000_000))
const rounds = Number(process.env['TOMBOLO_PARTITION_ROUNDS'] ?? 2)
const roomsEach = Number(process.env['TOMBOLO_PARTITION_ROOMS'] ?? 1)
const deeds = Number(process.env['TOMBOLO_PARTITION_DEEDS'] ?? 50)
const versions = ['10', '11', '12'].flatMap((version) => Array<string>(roomsEach).fill(version))

const partitions: readonly (readonly (readonly number[])[])[] = [
  [[0], [1, 2]],
  [[1], [0, 2]],
  [[2], [0, 1]],
  [[0], [1], [2]],
]

/** All happen at once: things at all sites, and the end of one of them at some instant. */
async function actOverKill(scene: Scene, victim: number | undefined): Promise<void> {
  const member = victim === undefined ? undefined : scene.world.sites[victim]?.member
  const killed =
    member &&
    sleep(200 + scene.random() * 600)
      .then(() => member.kill())
      .then(() => member.start())
  await Promise.all([act(scene, deeds), killed])
}

async function playRound(scene: Scene, round: number): Promise<string> {
  const { world } = scene
  await moveOn(scene, versions)
  // Of whom a site had not heard when it was cut off, it would rightly resolve without.
  await untilAgreed(scene, `seed ${seed}`)
  await act(scene, deeds / 4)
  const how = pick(scene, ['refused', 'silent'] satisfies Cut[])
  const cut = round % 4 === 3 ? undefined : pick(scene, partitions)
  const [one, other] = pick(scene, [
    [0, 1],
    [1, 2],
    [2, 0],
  ] as const)
  if (cut) world.part(cut, how)
  else world.deafen(one, other, how)
  await actOverKill(scene, pick(scene, [0, 1, 2]))
  await actOverKill(scene, undefined)
  world.heal()
  const healed = performance.now()
  await actOverKill(scene, pick(scene, [0, 1, 2]))
  const acted = performance.now() - healed
  const agreed = await untilAgreed(scene, `seed ${seed}`)
  const words = cut
    ? cut.map((group) => group.map((place) => 'ABC'[place]).join('')).join('|')
    : `${'ABC'[one]} does not reach ${'ABC'[other]}`
  return `${words}, ${how}: healed after ${Math.round(acted)} ms of more, agreed after ${Math.round(agreed)} ms`
}

describe('F-11: three servers that conflict while they cannot reach each other', function () {
  this.timeout(withinMs * 2 * (rounds + 1))
  let world: Sites
  before(async () => {
    world = await startSites(3)
  })
  after(() => world?.close())

  it(`have the same state to the byte and the same events after each of ${rounds} partitions, over kills`, async () => {
    const scene = await openScene(world, seed)
    const told: string[] = []
    try {
      for (let round = 0; round < rounds; round++) told.push(await playRound(scene, round))
    } finally {
      console.log(`      seed ${seed}: ${JSON.stringify(scene.counts)}, widest ${widest(scene)}\n      ${told.join('\n      ')}`)
    }
    expect(scene.counts.allowed).to.be.above(rounds * 50)
  })
})
