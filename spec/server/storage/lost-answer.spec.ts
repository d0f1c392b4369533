import { connect, createServer, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import { type Part, statement, write } from '../../../server/storage/database.ts'
import { openDatabase } from '../../../server/storage/open-database.ts'
import { openSession } from '../../../server/storage/postgres/session.ts'
import { forEachEmpty, insertNote, noteTables, quietTools, selectLogRows, selectNote } from '../../support/storage.ts'

type Cut = 'before the server hears of it' | 'after the server has committed it'

const countLog = statement<[], { count: number }>('SELECT count(*) AS count FROM log')
const note = (id: string, applied: () => void): Part => ({
  writes: [write(insertNote, id, null, null)],
  log: [{ kind: 'note', key: id }],
  applied,
})

forEachEmpty(
  'a batch whose answer is lost',
  (open, _, { config }) => {
    for (const cut of ['before the server hears of it', 'after the server has committed it'] as const) {
      it(`has one effect when the connection is cut ${cut}`, async () => {
        const { database: direct } = await open(noteTables)
        const { url } = config() as { url: string }
        const isThere = async () => (await direct.selectOne(selectNote, 'lost')) !== undefined
        const proxy = await cuttingProxy(url, cut, isThere)
        const behind = await openDatabase({ kind: 'postgres', url: proxy.url }, quietTools([]), noteTables)
        const applied: string[] = []
        for (const id of ['warm', 'lost', 'next']) {
          expect(await behind.database.commit(note(id, () => void applied.push(id)))).to.include({ ok: true })
        }
        expect(proxy.cuts()).to.equal(1)
        expect(applied).to.deep.equal(['warm', 'lost', 'next'])
        expect((await direct.select(selectLogRows)).map((row) => row.key)).to.deep.equal(['warm', 'lost', 'next'])
        await behind.database.close()
        proxy.close()
      })
    }

    it('is not lost to a server that refuses connections for a moment', async () => {
      const { database } = await open(noteTables)
      const other = await openSession({ url: (config() as { url: string }).url, name: 'spec' })
      await database.commit(note('a', () => undefined))
      const end = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()'
      await other.send([{ sql: end, parameters: [] }])
      const commits = Promise.all(['b', 'c'].map((id) => database.commit(note(id, () => undefined))))
      const read = database.selectOne(countLog)
      expect((await commits).map((outcome) => outcome.ok)).to.deep.equal([true, true])
      expect((await read)!.count).to.be.within(1, 3)
      await other.end()
    })
  },
  ['postgres'],
)

/** Stands between a client and the server; ends the connection that writes the note `lost`, once. */
async function cuttingProxy(url: string, cut: Cut, isThere: () => Promise<boolean>) {
  const upstream = new URL(url)
  const folder = upstream.searchParams.get('host')
  let cuts = 0
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const target = folder
      ? connect(`${folder}/.s.PGSQL.${upstream.port || 5432}`)
      : connect(Number(upstream.port || 5432), upstream.hostname)
    for (const socket of [client, target]) sockets.add(socket.on('error', () => undefined))
    let silent = false
    const end = () => {
      client.destroy()
      target.destroy()
    }
    client.on('data', (chunk) => {
      if (cuts > 0 || !chunk.includes('lost')) return void target.write(chunk)
      cuts++
      if (cut === 'before the server hears of it') return end()
      silent = true
      target.write(chunk)
      void until(isThere).then(end)
    })
    target.on('data', (chunk) => silent || client.write(chunk))
    client.on('close', end)
    target.on('close', end)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  upstream.searchParams.set('host', '127.0.0.1')
  upstream.searchParams.set('port', String(port))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { url: upstream.href, cuts: () => cuts, close }
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise(setImmediate)
}
