import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { untilAgreed } from '../support/apart/agreement.ts'
import { type Sites, startSites } from '../support/apart/sites.ts'
import { act, moveOn, openScene, type Person, type Scene } from '../support/apart/story.ts'

const seed = Number(process.env['TOMBOLO_CLOCKS_SEED'] ?? randomInt(1_000_000))
const isFull = process.env['TOMBOLO_CLOCKS'] === 'full'
const deeds = isFull ? 200 : 40
const messages = 30
const hour = 3_600_000
const day = 24 * hour

/** Tells a device elsewhere so many things, one after the other; gives them as that device is told them, over its site's steps of the clock. */
async function tell(from: Person, to: Person): Promise<number[]> {
  const begun = (await to.hopper.insist(0, 'GET', '/sync?timeout=0')).body.next_batch
  for (let number = 0; number < messages; number++) {
    const content = { messages: { [to.hopper.userId]: { [to.hopper.deviceId]: { number } } } }
    await from.hopper.insist(0, 'PUT', `/sendToDevice/test.clock/${from.place}${to.place}${number}${begun}`, content)
    await sleep(20)
  }
  const told: number[] = []
  for (let since = begun; told.length < messages; ) {
    const { body } = await to.hopper.insist(0, 'GET', `/sync?timeout=2000&since=${since}`)
    for (const event of body.to_device?.events ?? []) if (event.type === 'test.clock') told.push(event.content.number)
    since = body.next_batch
  }
  return told
}

/** Sets clocks back and forth while things happen at all sites. */
async function step({ world }: Scene, skews: readonly number[], by: number): Promise<void> {
  for (let turn = 0; turn < 6; turn++) {
    await sleep(200)
    for (const [place, site] of world.sites.entries()) site.skew((skews[place] ?? 0) + (turn % 3 === place ? by * (turn < 3 ? 1 : -1) : 0))
  }
  for (const [place, site] of world.sites.entries()) site.skew(skews[place] ?? 0)
}

async function endAndBegin({ world }: Scene, place: number): Promise<void> {
  await world.sites[place]?.member.kill()
  await world.sites[place]?.member.start()
}

const skewed = [
  ['a day before and behind', [day, -day, 0], hour],
  ['an hour before and behind', [hour, -hour, 0], hour],
] as const

for (const [words, skews, by] of skewed.slice(0, isFull ? 2 : 1)) {
  describe(`F-11: three servers of which two have their clocks ${words}`, () => {
    let world: Sites
    before(async () => {
      world = await startSites(3, skews)
    })
    after(() => world?.close())

    it('agree to the byte, also when clocks are set meanwhile and a server ends, and lose no message to a device', async () => {
      const scene = await openScene(world, seed)
      await moveOn(scene, ['10', '11', '12'])
      await untilAgreed(scene, `seed ${seed}`)
      const [a, b, c] = scene.watchers as [Person, Person, Person]
      const [, , ...told] = await Promise.all([act(scene, deeds), step(scene, skews, by), tell(a, b), tell(b, c), tell(c, a)])
      for (const one of told) expect(one, `seed ${seed}`).to.deep.equal(Array.from({ length: messages }, (_, number) => number))
      world.part([[0], [1], [2]], 'refused')
      await Promise.all([act(scene, deeds / 2), step(scene, skews, -by)])
      world.heal()
      await Promise.all([act(scene, deeds / 2), endAndBegin(scene, 1)])
      await untilAgreed(scene, `seed ${seed}`)
      expect(scene.counts.allowed).to.be.above(deeds)
    })
  })
}
