import { expect } from 'chai'
import { pathOf, type Wire, wireTo } from '../../support/hostile/client.ts'
import { saidFields, stateFields } from '../../support/hostile/event-fields.ts'
import { values } from '../../support/hostile/inputs.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

/** A third of the values, another one each time, and always the most deeply nested one: it stands deeper still in an event. */
const valuesOf = (turn: number) => values.filter((value, at) => at % 3 === turn % 3 || value.startsWith('[[['))

for (const engine of engines) {
  describe(`Poisoned events (${engine})`, () => {
    let server: TestServer
    let wire: ReturnType<typeof wireTo>
    const users: Record<string, TestUser> = {}

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      wire = wireTo(server.url)
      for (const name of ['alice', 'bob', 'carol', 'dave']) users[name] = await server.register(name)
    })
    after(async () => {
      wire?.close()
      await server?.close()
    })

    /** A room that alice made, bob is in, carol is invited to and dave has left. */
    async function makeRoom(version: string): Promise<string> {
      const { alice, bob, carol, dave } = users as Record<string, TestUser>
      const made = await alice!.post('/createRoom', { room_version: version, preset: 'public_chat', invite: [carol!.userId] })
      const roomId: string = made.body.room_id
      for (const user of [bob, dave]) await user!.post(`/join/${encodeURIComponent(roomId)}`)
      await dave!.post(`/rooms/${encodeURIComponent(roomId)}/leave`)
      return roomId
    }

    const send = async ({ method, path, body }: Wire): Promise<number> => {
      const headers = { Authorization: `Bearer ${users['alice']!.token}` }
      return (await wire.send({ method, path: `/_matrix/client/v3${path}`, body, headers })).status
    }

    /** Everybody reads everything that there is to read, all at once and since before. */
    async function readAll(roomId: string, since: ReadonlyMap<string, string>, words: string): Promise<void> {
      const lazy = encodeURIComponent(JSON.stringify({ room: { include_leave: true, state: { lazy_load_members: true } } }))
      const room = `/rooms/${encodeURIComponent(roomId)}`
      for (const [name, user] of Object.entries(users)) {
        const paths = [`/sync?since=${since.get(name)}`, `/sync?filter=${lazy}`, '/joined_rooms']
        if (name !== 'carol') paths.push(`${room}/messages?dir=b&limit=100`, `${room}/state`, `${room}/members`)
        if (name === 'alice' || name === 'bob') paths.push(`${room}/joined_members`)
        for (const path of paths) {
          const { status, text } = await wire.send({
            method: 'GET',
            path: `/_matrix/client/v3${path}`,
            headers: { Authorization: `Bearer ${user.token}` },
          })
          expect(status, `${words}: ${name} ${path} ${text.slice(0, 300)}`).to.equal(200)
          expect(() => JSON.parse(text), `${words}: ${name} ${path}`).to.not.throw()
        }
      }
    }

    for (const version of ['6', '12']) {
      it(`leave a room of version ${version} readable for everybody: members, invited, and those who left`, async () => {
        for (const [type, names] of [...Object.entries(stateFields), ...Object.entries(saidFields)]) {
          const roomId = await makeRoom(version)
          const since = new Map<string, string>()
          for (const [name, user] of Object.entries(users)) since.set(name, (await user.get('/sync')).body.next_batch)
          const isSaid = type in saidFields
          const stateKey = type === 'm.room.member' ? users['alice']!.userId : ''
          const path = pathOf(isSaid ? '/rooms/{roomId}/send/{type}/' : '/rooms/{roomId}/state/{type}/{stateKey}', {
            roomId,
            type,
            stateKey,
          })
          const member = type === 'm.room.member' ? '"membership":"join",' : ''
          let turn = 0
          for (const name of names) {
            for (const value of valuesOf(turn)) {
              turn += 1
              const status = await send({ method: 'PUT', path: isSaid ? `${path}${turn}` : path, body: `{${member}"${name}":${value}}` })
              expect(status, `${type} ${name} ${value.slice(0, 100)}`).to.be.oneOf([200, 400, 403, 404, 413])
            }
          }
          await readAll(roomId, since, `${type} in version ${version}`)
        }
        expect(server.log()).to.not.match(/a request failed/)
      })
    }
  })
}
