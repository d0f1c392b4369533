import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'chai'
import { Agent, request } from 'undici'
import { rememberedMs } from '../../../bridges/kit/inbound/repeats.ts'
import { objectOf } from '../../../bridges/sandbox/accounts.ts'
import { signatureHeaders } from '../../../bridges/sandbox/envelope.ts'
import { type Network, networks } from '../../../config/bridge-schema.ts'
import { eventually, openStruckTown, type StruckTown } from '../../support/bridges/struck-town.ts'
import { mutateWebhook } from '../../support/bridges/webhook-mutations.ts'
import { startRecorder } from '../../support/bridges/webhook-recorder.ts'
import { randomNumbers } from '../../support/random-json.ts'

const each = Math.ceil(10_000 / networks.length)
const atOnce = 8
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describe('ten thousand malformed webhooks', () => {
  let town: StruckTown
  const agent = new Agent({ connections: atOnce })
  before(async () => {
    town = await openStruckTown()
  })
  after(async () => {
    await agent.close()
    await town?.close()
  })

  for (const network of networks) {
    it(`neither end the bridge of ${network}, nor are its fault, nor stay in it`, async () => {
      const real = await realOnes(network)
      const quarter = town.quarters[network]
      const pid = quarter.bridge().pid
      const random = randomNumbers(networks.indexOf(network) + 1)
      await send(network, real, random, each / 4)
      const before = await footprint(network, pid)
      await send(network, real, random, (each * 3) / 4)
      const after = await footprint(network, pid)
      expect(quarter.bridge().isEnded(), 'ended').to.equal(false)
      expect(after.descriptors, 'descriptors').to.be.at.most(before.descriptors + 5)
      expect(after.megabytes, 'megabytes').to.be.at.most(before.megabytes + 10)
      await quarter.newcomer('Someone after it').then((person) => person.says(`still there on ${network}`))
      await arrives(`still there on ${network}`)
      await rowsAreFew(network)
    })
  }

  const arrives = (text: string) =>
    eventually(
      `Alice sees ${text}`,
      () =>
        town.alice.rooms().find((room) =>
          town.alice
            .in(room)
            .sees()
            .some((seen) => seen.text === text),
        ),
      () => town.logs(),
    )

  /** What the network really sends. */
  async function realOnes(network: Network): Promise<Buffer[]> {
    const { control } = town.sandbox
    const recorder = await startRecorder(`${town.quarters[network].bridge().url}/webhook`)
    await control.setWebhook({ object: objectOf[network], url: recorder.url, verifyToken: 'a word' })
    const person = await town.quarters[network].newcomer('Someone')
    const first = await person.says(`hello on ${network}`)
    const room = await arrives(`hello on ${network}`)
    await person.sends({ files: [{ kind: 'image', mime: 'image/png', data: pixel }], text: 'a picture' })
    await person.says('', { unsupported: 'poll_creation' })
    await person.reacts(first, '👍')
    await town.alice.in(room).says('an answer')
    await eventually(
      'the answer',
      async () => (await person.sees()).find(({ text }) => text === 'an answer'),
      () => town.logs(),
    )
    await person.reads()
    await control.settle({ network })
    await control.setWebhook({ object: objectOf[network], url: `${town.quarters[network].bridge().url}/webhook`, verifyToken: 'a word' })
    await recorder.close()
    expect(recorder.recorded.length).to.be.above(5)
    return recorder.recorded.map(({ body }) => body)
  }

  async function send(network: Network, real: readonly Buffer[], random: () => number, count: number): Promise<void> {
    const { url } = town.quarters[network].bridge()
    const { appSecret } = town.sandbox.accounts[network]
    let left = count
    const sender = async () => {
      while (left-- > 0) {
        const body = mutateWebhook(real[Math.floor(random() * real.length)]!, random)
        const isSigned = random() < 0.7
        const headers = signatureHeaders(body, isSigned ? appSecret : 'another secret')
        const answer = await request(`${url}/webhook`, { method: 'POST', body, headers, dispatcher: agent })
        await answer.body.dump()
        const expected = body.length > 3 * 1024 * 1024 ? 413 : isSigned ? 200 : 401
        expect(answer.statusCode, body.subarray(0, 2000).toString()).to.equal(expected)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, sender))
  }

  /** Of a process that has had a moment to rest. */
  async function footprint(network: Network, pid: number) {
    const bridge = town.quarters[network].bridge()
    const megabytes: number[] = []
    for (let times = 0; times < 6; times++) {
      await bridge.quiet()
      megabytes.push((await bridge.order({})) / 1e6)
    }
    return { megabytes: Math.min(...megabytes), descriptors: readdirSync(`/proc/${pid}/fd`).length }
  }

  /** Nothing of it waits, and after the time in which nothing comes again there is no trace; people and chats are those that a body could still be read to name. */
  async function rowsAreFew(network: Network): Promise<void> {
    const quarter = town.quarters[network]
    // Nobody else may look while the bridge runs. What it had no time for, it does when it is started again; and it forgets in parts.
    const count = async (query: string) => {
      await quarter.bridge().quiet()
      await quarter.bridge().kill()
      const database = new Database(join(quarter.dataDir, 'bridge.db'))
      const found = database.prepare(query).pluck().get() as number
      database.close()
      return found
    }
    const untilFew = async (most: number, query: string, start: Parameters<typeof quarter.start>[0]) => {
      let found = await count(query)
      for (let times = 0; found > most && times < 50; times++) {
        await quarter.start(start)
        found = await count(query)
      }
      expect(found, query).to.be.at.most(most)
      await quarter.start(start)
    }
    await untilFew(0, "SELECT count(*) FROM inbox WHERE state IN ('new', 'quarantined')", {})
    expect(await count('SELECT count(*) FROM contacts'), 'people').to.be.at.most(25)
    const later = { later: rememberedMs + 86_400_000 }
    await quarter.start(later)
    await untilFew(1, 'SELECT count(*) FROM inbox', later)
    await quarter.bridge().kill()
    await quarter.start()
  }
})
