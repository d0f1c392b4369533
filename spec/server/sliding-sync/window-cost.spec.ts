import { expect } from 'chai'
import { accountData } from '../../../server/account-data/index.ts'
import { deviceList } from '../../../server/device-list/index.ts'
import { createGraph } from '../../../server/graph/create-graph.ts'
import type { Call } from '../../../server/http/endpoint.ts'
import { keys } from '../../../server/keys/index.ts'
import { receipts } from '../../../server/receipts/index.ts'
import type { Slice, Tools } from '../../../server/slice.ts'
import { slidingSync } from '../../../server/sliding-sync/index.ts'
import type { Database } from '../../../server/storage/database.ts'
import { toDevice } from '../../../server/to-device/index.ts'
import { typing } from '../../../server/typing/index.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { speaker } from './sliding-reader.ts'

const window = 3

type Question = { readonly sql: string; readonly rows: number }
type Asked = { readonly body: ReturnType<typeof JSON.parse>; readonly questions: readonly Question[] }

/** The first window of a server that has nothing in memory yet, and every question that it asks the database. */
async function firstWindow({ server: { home, people } }: TestServer, user: TestUser): Promise<Asked> {
  const questions: Question[] = []
  const counting = <D extends Pick<Database, 'select' | 'selectOne'>>(database: D): D => ({
    ...database,
    select: async (of, ...parameters) => {
      const rows = await database.select(of, ...parameters)
      questions.push({ sql: of.sql, rows: rows.length })
      return rows
    },
    selectOne: async (of, ...parameters) => {
      questions.push({ sql: of.sql, rows: 1 })
      return database.selectOne(of, ...parameters)
    },
  })
  const counted = { ...home, database: counting(home.database) }
  const tools: Tools = { home: counted, people, graph: createGraph(counted) }
  const slices: Slice[] = [accountData(tools), deviceList(tools), keys(tools), receipts(tools), toDevice(tools), typing(tools)]
  const { endpoints = [] } = slidingSync(tools, () => slices.flatMap(({ sections = [] }) => sections))
  const on = { enabled: true }
  const call = {
    requester: { userId: user.userId, deviceId: user.deviceId, session: user.deviceId, admin: false, service: undefined },
    query: new URLSearchParams(),
    body: {
      lists: {
        all: {
          ranges: [[0, window - 1]],
          timeline_limit: 1,
          required_state: [
            ['m.room.name', ''],
            ['m.room.member', '$LAZY'],
          ],
        },
      },
      extensions: { to_device: on, e2ee: on, account_data: on, receipts: on, typing: on },
    },
    signal: new AbortController().signal,
  }
  const reply = await endpoints[0]?.handle(call as unknown as Call)
  return { body: JSON.parse(String(reply?.body)), questions: [...questions] }
}

const rowsOf = ({ questions }: Asked, sql: string): number => questions.reduce((sum, one) => sum + (one.sql === sql ? one.rows : 0), 0)

for (const engine of engines) {
  describe(`the first window of sliding sync on ${engine}`, () => {
    const { say, makeRoom } = speaker()
    let server: TestServer

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())

    async function accountIn(rooms: number): Promise<Asked> {
      const user = await server.register(`in${rooms}`)
      const roomIds: string[] = []
      for (let at = 0; at < rooms; at++) roomIds.push(await makeRoom(user))
      for (const roomId of roomIds) {
        await say(user, roomId, 'hello')
        await user.put(`/user/${user.userId}/rooms/${roomId}/account_data/x.room`, { is: 'kept' })
      }
      return firstWindow(server, user)
    }

    it('asks as much of the database for an account of many rooms as for one of few', async () => {
      const few = await accountIn(window + 1)
      const many = await accountIn(window * 5)
      expect(Object.keys(few.body.rooms)).to.have.length(window)
      expect(Object.keys(many.body.rooms)).to.have.length(window)
      expect(many.body.lists.all.count).to.equal(window * 5)
      expect(many.body.extensions.account_data.rooms).to.have.all.keys(Object.keys(many.body.rooms))
      expect(many.questions.length).to.equal(few.questions.length)
      const grown = [...new Set(many.questions.map(({ sql }) => sql))].filter((sql) => rowsOf(many, sql) > rowsOf(few, sql))
      // Of all rooms only the membership and the position are read.
      expect(grown.map((sql) => /FROM (\w+)/.exec(sql)?.[1])).to.have.members(['memberships', 'rooms'])
      const roomsLoaded = many.questions.filter(({ sql }) => /FROM rooms WHERE room_id = \?/.test(sql))
      expect(roomsLoaded.length)
        .to.be.at.most(window * 2)
        .and.at.least(window)
    })
  })
}
