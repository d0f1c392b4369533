import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { expect } from 'chai'
import { signatureHeaders } from '../../bridges/sandbox/envelope.ts'
import type { ScriptedPerson } from '../../bridges/sandbox/people.ts'
import { eventually, openTown, type Town } from '../bridges/kit/commands/town.ts'
import { type RecordedWebhook, startRecorder, type WebhookRecorder } from '../support/bridges/webhook-recorder.ts'
import { randomNumbers } from '../support/random-json.ts'
import { createMatrixPerson, type MatrixPerson } from '../trips/matrix-person.ts'

/** A way to a homeserver on which nothing moves while it is frozen; connections stay. */
async function startFreezer() {
  let port = 0
  let thaw: () => void = () => undefined
  let open = Promise.resolve()
  const sockets = new Set<Socket>()
  const gate = () => new Transform({ transform: (chunk, _, done) => void open.then(() => done(null, chunk)) })
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => [near, far].map((one) => one.destroy()))
      socket.on('close', () => sockets.delete(socket))
    }
    near.pipe(gate()).pipe(far)
    far.pipe(gate()).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(url: string) {
      port = Number(new URL(url).port)
    },
    freeze() {
      open = new Promise((resolve) => {
        thaw = () => resolve()
      })
    },
    thaw: () => thaw(),
    async close() {
      thaw()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('F-21: webhooks that come while the homeserver is frozen', () => {
  let town: Town
  let alice: MatrixPerson
  let ana: ScriptedPerson
  let recorder: WebhookRecorder
  let freezer: Awaited<ReturnType<typeof startFreezer>>
  const passed: string[] = []

  before(async () => {
    freezer = await startFreezer()
    town = await openTown({ owner: '@alice:hs.test', homeserverUrl: freezer.url, checkpoint: (name) => passed.push(name) })
    freezer.leadTo(town.server.url)
    alice = await createMatrixPerson(town.server.url, 'alice')
    recorder = await startRecorder(`${town.bridge().url}/webhook`)
    await town.sandbox.control.setWebhook({ object: 'whatsapp_business_account', url: recorder.url, verifyToken: 'a word' })
    await town.sandbox.control.setCoexistence({ on: true })
    ana = await town.sandbox.person({ network: 'whatsapp', name: 'Ana' })
  })
  after(async () => {
    alice?.close()
    await recorder?.close()
    await freezer?.close()
    await town?.close()
  })

  const texts = () => alice.sees().map(({ text }) => text)
  /** The answer's status, and how long it took. */
  async function post({ body, headers }: RecordedWebhook): Promise<[status: number, ms: number]> {
    const from = performance.now()
    const { status } = await fetch(`${town.bridge().url}/webhook`, { method: 'POST', body: Uint8Array.from(body), headers })
    return [status, performance.now() - from]
  }

  it('are answered before any of the work is done, and have one effect each when it is there again, whatever their order and number', async () => {
    const first = await ana.says('before')
    await eventually('Alice sees it', () => texts().includes('before'))
    recorder.held = true
    const from = recorder.recorded.length
    const wrong = await ana.says('frist')
    await ana.edits(wrong, 'first')
    const gone = await ana.says('never mind')
    await ana.unsends(gone)
    await ana.reacts(first, '👍')
    for (let n = 0; n < 5; n++) await ana.says(`line ${n}`)
    await town.sandbox.control.settle({ network: 'whatsapp' })
    recorder.held = false
    const fresh = recorder.recorded.slice(from)
    expect(fresh.length).to.be.at.least(10)

    freezer.freeze()
    passed.length = 0
    const before = texts()
    const random = randomNumbers(21)
    const replays = Array.from({ length: 100 }, () => fresh).flat()
    // What was corrected and taken back comes after its correction and withdrawal.
    const answers = [...(await all([...fresh].reverse())), ...(await all(replays.sort(() => random() - 0.5)))]
    answers.push(await post(merged(fresh)))
    expect(new Set(answers.map(([status]) => status))).to.deep.equal(new Set([200]))
    const times = answers.map(([, ms]) => ms).sort((one, other) => one - other)
    expect(times[Math.floor(times.length / 2)], 'milliseconds of the middle one').to.be.below(1000)
    // Networks wait no longer, and a disk may stand still for a while.
    expect(times.at(-1), 'milliseconds of the longest').to.be.below(20_000)
    expect(passed).to.include('webhook answered').and.not.include.members(['event sent'])
    expect(passed.filter((name) => name === 'item done')).to.have.length.below(fresh.length)
    expect(texts()).to.deep.equal(before)

    freezer.thaw()
    // What was taken back is empty.
    const wanted = ['before 👍', 'line 4', 'line 3', 'line 2', 'line 1', 'line 0', '', 'first']
    const stands = () => alice.sees().map(({ text, reactions }) => [text, ...reactions.map(({ emoji }) => emoji)].join(' '))
    await eventually('all of it stands', () => stands().join() === wanted.join()).catch(() => expect(stands()).to.deep.equal(wanted))
    await all(replays.slice(0, 300))
    await ana.says('after')
    await eventually('what comes after', () => texts().includes('after'))
    expect(stands()).to.deep.equal([...wanted, 'after'])
    const health = (await (await fetch(`${town.bridge().url}/health`)).json()) as { setAside: number }
    expect(health.setAside).to.equal(1)
    expect(await alice.faults()).to.deep.equal([])
  })

  async function all(webhooks: readonly RecordedWebhook[]): Promise<[number, number][]> {
    const answers: [number, number][] = []
    const waiting = [...webhooks]
    const sender = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) answers.push(await post(next))
    }
    await Promise.all([sender(), sender(), sender(), sender()])
    return answers
  }

  /** All of them in one body, and an entry that is none. */
  function merged(recorded: readonly RecordedWebhook[]): RecordedWebhook {
    const parsed = recorded.map(({ body }) => JSON.parse(body.toString()) as { object: string; entry: unknown[] })
    const body = Buffer.from(JSON.stringify({ object: parsed[0]?.object, entry: [null, ...parsed.flatMap(({ entry }) => entry)] }))
    return { body, headers: signatureHeaders(body, town.sandbox.accounts.whatsapp.appSecret) }
  }
})
