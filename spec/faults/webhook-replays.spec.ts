import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'chai'
import { Agent, request } from 'undici'
import { objectOf } from '../../bridges/sandbox/accounts.ts'
import { signatureHeaders } from '../../bridges/sandbox/envelope.ts'
import type { ScriptedPerson } from '../../bridges/sandbox/people.ts'
import { type Network, networks } from '../../config/bridge-schema.ts'
import { pixel } from '../bridges/kit/cards-files.ts'
import { eventually, openTown, type Town } from '../bridges/kit/commands/town.ts'
import { type RecordedWebhook, startRecorder, type WebhookRecorder } from '../support/bridges/webhook-recorder.ts'
import { copyDatabase } from '../support/leaks.ts'
import { temporaryFolder } from '../support/processes.ts'
import { randomNumbers } from '../support/random-json.ts'
import { createMatrixPerson, type MatrixPerson } from '../trips/matrix-person.ts'

/** The bridge is another one each day: no connection outlives its answer. */
const unkept = new Agent({ pipelining: 0 })
const dayMs = 86_400_000
const picture = { files: [{ kind: 'image' as const, mime: 'image/png', data: pixel.toString('base64') }] }

for (const network of networks) {
  describe(`webhooks of ${network}`, () => {
    let town: Town
    let alice: MatrixPerson
    let ana: ScriptedPerson
    let recorder: WebhookRecorder
    let moved = 0
    let dataDir: string

    before(async () => {
      dataDir = join(temporaryFolder(), 'bridge')
      town = await openTown({ owner: '@alice:hs.test', clock: () => Date.now() + moved, dataDir }, network)
      alice = await createMatrixPerson(town.server.url, 'alice')
      recorder = await startRecorder(`${town.bridge().url}/webhook`)
      await town.sandbox.control.setWebhook({ object: objectOf[network], url: recorder.url, verifyToken: 'a word' })
      if (network === 'whatsapp') await town.sandbox.control.setCoexistence({ on: true })
      ana = await town.sandbox.person({ network, name: 'Ana' })
    })
    after(async () => {
      alice?.close()
      await recorder?.close()
      await town?.close()
    })

    const sees = (text: string) => eventually(`Alice sees ${text}`, () => alice.sees().find((seen) => seen.text === text))
    const bodies = () => recorder.recorded.map(({ body }) => body.toString())

    it('have one effect, however often, late and mixed they come again for eight days, a month and longer', async () => {
      await happen()
      for (const kind of kindsOf[network]) expect(bodies().join()).to.match(new RegExp(kind))
      const effects = await stand()
      for (const day of [1, 2, 3, 4, 5, 6, 7, 8, 12, 29, 45]) {
        moved = day * dayMs
        // A start does the tidying that is due.
        await town.restart()
        await again(day)
      }
      await ana.says('one more')
      await sees('one more')
      await town.sandbox.control.settle({ network })
      expect(withoutLast(await stand())).to.deep.equal(effects)
    })

    it('that are not signed by the network have none, and are refused', async () => {
      recorder.held = true
      const from = recorder.recorded.length
      await ana.says('forged?')
      await town.sandbox.control.settle({ network })
      recorder.held = false
      const [fresh] = recorder.recorded.slice(from)
      const { body, headers } = fresh!
      const good = headers['x-hub-signature-256']!
      const forged = [
        ...['', 'sha256=', good.toUpperCase(), good.slice(0, -1), `${good}0`, good.replace('sha256', 'sha1'), `sha256=${'0'.repeat(64)}`],
        signatureHeaders(body, 'another secret')['x-hub-signature-256']!,
        signatureHeaders(Buffer.concat([body, Buffer.from(' ')]), town.sandbox.accounts[network].appSecret)['x-hub-signature-256']!,
      ]
      const before = await stand()
      for (const signature of forged) expect(await post({ body, headers: { 'x-hub-signature-256': signature } }), signature).to.equal(401)
      expect(await post({ body, headers: { 'x-hub-signature': headers['x-hub-signature']! } })).to.equal(401)
      await town.restart()
      expect(await stand()).to.deep.equal(before)
      expect(await post(fresh!)).to.equal(200)
      await sees('forged?')
    })

    /** Everything happens once of which the network tells in a way of its own. */
    async function happen(): Promise<void> {
      const { control } = town.sandbox
      const first = await ana.says('hello')
      const { event } = await sees('hello')
      await ana.says('an answer', { replyTo: first })
      await ana.says('', { unsupported: 'poll_creation' })
      await ana.sends(picture)
      const wrong = await ana.says('to be taken back')
      await sees('to be taken back')
      await ana.reacts(first, '👍')
      if (network !== 'instagram') await ana.edits(first, 'hello!')
      if (network !== 'messenger') await ana.unsends(wrong)
      if (network === 'whatsapp') {
        await ana.sends({ place: { latitude: 1, longitude: 2 } })
        await ana.sends({ cards: [{ name: { formatted_name: 'Ben', first_name: 'Ben' }, phones: [{ phone: '15550009999' }] }] })
        const error = { status: 400, code: 131026, message: 'undeliverable' }
        await control.setFault({ network, kind: 'fail_later', times: 1, error: error as never })
        await alice.says('that fails')
        await eventually('it fails', () => bodies().some((body) => body.includes('"failed"')))
        await control.advance({ ms: 7000 })
      }
      await alice.says('to Ana', { replyTo: event })
      await eventually('Ana has it', async () => (await ana.sees()).some(({ text }) => text === 'to Ana'))
      await ana.reacts((await ana.sees()).find(({ text }) => text === 'to Ana')!.id, '❤️')
      await ana.reads()
      await ana.reacts(first)
      if (network !== 'whatsapp') await control.sayFromInbox({ network, person: ana.info.id, text: 'from the inbox' })
      if (network === 'whatsapp') {
        await control.changeNumber({ network, person: ana.info.id })
        ana = await town.sandbox.person({ network, name: 'Ana' })
      }
      await ana.says('the last')
      await sees('the last')
      await control.settle({ network })
      await quiet()
    }

    async function again(day: number): Promise<void> {
      const { recorded } = recorder
      const random = randomNumbers(day)
      const shuffled = [...recorded].sort(() => random() - 0.5)
      const answers = await Promise.all([...recorded, ...shuffled, merged(shuffled)].map(post))
      expect(new Set(answers)).to.deep.equal(new Set([200]))
    }

    /** All that was recorded, in one body. */
    function merged(recorded: readonly RecordedWebhook[]): RecordedWebhook {
      const all = recorded.map(({ body }) => JSON.parse(body.toString()) as { object: string; entry: unknown[] })
      const body = Buffer.from(JSON.stringify({ object: all[0]?.object, entry: all.flatMap(({ entry }) => entry) }))
      return { body, headers: signatureHeaders(body, town.sandbox.accounts[network].appSecret) }
    }

    async function post({ body, headers }: RecordedWebhook): Promise<number> {
      const answer = await request(`${town.bridge().url}/webhook`, { method: 'POST', body, headers, dispatcher: unkept })
      await answer.body.dump()
      return answer.statusCode
    }

    /** Until nothing more comes of what has happened. */
    async function quiet(): Promise<void> {
      let before = ''
      await eventually('quiet', async () => {
        await town.sandbox.control.settle({ network })
        if (read((database) => database.prepare(toDo).pluck().get()) !== 0) return false
        const now = JSON.stringify(await events())
        const isSame = now === before
        before = now
        await new Promise((resolve) => setTimeout(resolve, 200))
        return isSame
      })
    }

    async function events(): Promise<string[]> {
      const rooms = alice
        .rooms()
        .map((room) => alice.asks(`/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=f&limit=1000`))
      type Chunk = { chunk: { event_id: string; type: string; sender: string }[] }
      return (await Promise.all(rooms)).flatMap((page) => (page as Chunk).chunk.map(({ event_id, type }) => `${type} ${event_id}`))
    }

    /** The bridge lets nobody else read its own. */
    function read<T>(look: (database: Database.Database) => T): T {
      copyDatabase(join(dataDir, 'bridge.db'), join(dataDir, 'copy.db'))
      const database = new Database(join(dataDir, 'copy.db'))
      try {
        return look(database)
      } finally {
        database.close()
      }
    }

    /** What there is to see: in the rooms, on the network, and in the bridge's tables. */
    async function stand() {
      await quiet()
      let rows: Record<string, unknown> = {}
      await town.restart({}, () => {
        rows = read((database) =>
          Object.fromEntries(Object.entries(counted).map(([name, query]) => [name, database.prepare(query).pluck().get()])),
        )
      })
      return { events: await events(), network: (await ana.sees()).map(({ id, text }) => `${id} ${text}`), rows }
    }
  })
}

/** What a bridge has not done yet. */
const toDo = `SELECT (SELECT count(*) FROM inbox WHERE state IN ('new', 'waiting')) +
  (SELECT count(*) FROM outbox WHERE state IN ('queued', 'submitting'))`
const tables = ['contacts', 'identities', 'portals', 'messages', 'outbox', 'orphans', 'reactions', 'spokes', 'management_rooms']
const counted: Readonly<Record<string, string>> = {
  ...Object.fromEntries(tables.map((table) => [table, `SELECT count(*) FROM ${table}`])),
  open: "SELECT count(*) FROM inbox WHERE state IN ('new', 'waiting', 'late', 'quarantined')",
}

/** Words that stand in the webhooks of all that happens here. */
const said = ['"hello"', 'poll_creation|unsupported', '"image"', '"other"|"reaction"']
const kindsOf: Readonly<Record<Network, readonly string[]>> = {
  whatsapp: [
    ...said,
    '"context"',
    '"edit"',
    '"revoke"',
    '"location"',
    '"contacts":\\[\\{"name"',
    '"sent"',
    '"delivered"',
    '"read"',
    '"failed"',
    '"system"',
  ],
  messenger: [
    ...said,
    '"unreact"',
    '"reply_to"',
    '"message_edit"',
    '"is_echo":true,"app_id"',
    '"is_echo":true,"text"',
    '"delivery"',
    '"read"',
  ],
  instagram: [...said, '"unreact"', '"reply_to"', '"is_deleted"', '"is_echo":true,"app_id"', '"is_echo":true,"text"', '"read"'],
}

function withoutLast<T extends { events: string[]; network: string[]; rows: Record<string, unknown> }>(stand: T): T {
  return {
    ...stand,
    events: stand.events.slice(0, -1),
    network: stand.network.slice(0, -1),
    rows: { ...stand.rows, messages: Number(stand.rows['messages']) - 1 },
  }
}
