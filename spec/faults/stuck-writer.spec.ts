import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import postgres from 'postgres'
import { graphOver, message, publicRoom, user } from '../support/graph.ts'
import { forEachEngine } from '../support/storage.ts'

const alice = user('alice')

forEachEngine(
  'a process that is frozen while it reads a long answer',
  (open, _, place) => {
    let frozen: { sql: postgres.Sql; socket: Socket } | undefined
    afterEach(async () => {
      frozen?.socket.destroy()
      await frozen?.sql.end({ timeout: 0 })
    })

    /** A connection of another process, which holds the room and no longer takes what it asked for. */
    async function freeze(roomId: string): Promise<void> {
      const { url } = place.config() as { url: string }
      const host = new URL(url).searchParams.get('host') ?? new URL(url).hostname
      const socket = await new Promise<Socket>((resolve, reject) => {
        const path = host.startsWith('/') ? `${host}/.s.PGSQL.5432` : undefined
        const made = path ? connect(path) : connect(Number(new URL(url).port || 5432), host)
        made.once('connect', () => resolve(made)).once('error', reject)
      })
      const sql = postgres({
        ...{ host, username: new URL(url).searchParams.get('user') ?? new URL(url).username, password: new URL(url).password },
        ...{ database: new URL(url).pathname.slice(1), max: 1, connection: { application_name: 'tombolo-frozen' } },
        ...({ socket: () => Promise.resolve(Object.assign(socket, { host, port: 5432 })) } as object),
        fetch_types: false,
      })
      frozen = { sql, socket }
      await sql.unsafe('BEGIN')
      const held = await sql.unsafe('SELECT version FROM rooms WHERE room_id = $1 FOR UPDATE', [roomId])
      expect(held).to.have.length(1)
      sql.unsafe(`SELECT repeat('x', 1000000) FROM generate_series(1, 50)`).catch(() => undefined)
      setImmediate(() => socket.pause())
    }

    it('holds up those who write into its room for seconds, not until it goes on', async () => {
      const graph = graphOver(await open())
      const roomId = await publicRoom(graph, alice)
      await freeze(roomId)
      const { eventIds } = await graph.append(roomId, [message(alice, 'is anybody there?')])
      expect(eventIds).to.have.length(1)
    })
  },
  ['postgres'],
)
