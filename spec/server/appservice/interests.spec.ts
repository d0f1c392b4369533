import { expect } from 'chai'
import { createInterests, type Interests } from '../../../server/appservice/interests.ts'
import type { RoomId } from '../../../server/core/ids.ts'
import { compileNamespaces } from '../../../server/core/namespaces.ts'
import type { Graph } from '../../../server/graph/graph.ts'
import type { AppService } from '../../../server/http/endpoint.ts'
import { createServices } from '../../../server/people/services.ts'
import type { Tools } from '../../../server/slice.ts'
import type { Database } from '../../../server/storage/database.ts'
import type { Notifier } from '../../../server/storage/notifier.ts'
import { graphOver, member, message, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine } from '../../support/storage.ts'

function serviceOf(id: string, namespaces: object, url: string | null = 'http://127.0.0.1:1'): AppService {
  const tokens = { asToken: `as ${id}`, hsToken: `hs ${id}` }
  const flags = { rateLimited: false, receiveEphemeral: false, receiveDevices: false, protocols: [] }
  return {
    id,
    url,
    ...tokens,
    sender: user(id),
    namespaces: compileNamespaces({ users: [], aliases: [], rooms: [], ...namespaces }),
    ...flags,
  }
}
const ghosts = serviceOf('ghosts', { users: [{ exclusive: true, regex: '@g_.*' }] })
const named = serviceOf('named', { rooms: [{ exclusive: false, regex: '!.*:nowhere' }], aliases: [{ exclusive: false, regex: '#n_.*' }] })
const mute = serviceOf('mute', { users: [{ exclusive: false, regex: '.*' }] }, null)

forEachEngine("services' interests", (open) => {
  let graph: Graph
  let notifier: Notifier
  let database: Database
  let interests: Interests
  let concerned: Set<string>
  let loads: number

  beforeEach(async () => {
    const opened = await open()
    notifier = opened.notifier
    database = opened.database
    const bare = graphOver(opened)
    loads = 0
    graph = {
      ...bare,
      room: (roomId) => {
        loads++
        return bare.room(roomId)
      },
    }
    const services = createServices([ghosts, named, mute])
    interests = createInterests({ home: { ...opened, serverName: 'here.test' }, people: services, graph } as unknown as Tools)
    concerned = new Set()
    notifier.onAdvance((_, rows) => {
      for (const id of interests.follow(rows)) concerned.add(id)
    })
  })

  const arrivedIn = async (roomId: RoomId) => (await graph.arrived(roomId, 0, notifier.position(), 1000)).events
  async function interesting(service: AppService, roomId: RoomId): Promise<string[]> {
    const found: string[] = []
    for (const event of await arrivedIn(roomId)) {
      if (await interests.inEvent(service, event)) found.push(String(event.pdu.content['body'] ?? event.pdu.content['membership']))
    }
    return found
  }

  it('cost one look-up for rooms of no concern, once they were looked at', async () => {
    const roomId = await publicRoom(graph, user('alice'))
    expect(concerned).to.deep.equal(new Set(['ghosts', 'named']))
    expect([...(await interests.ofRoom(roomId))]).to.deep.equal([])
    concerned.clear()
    const before = loads
    for (let n = 0; n < 20; n++) await graph.append(roomId, [message(user('alice'), `${n}`)])
    await graph.append(roomId, [member(user('bob'), user('bob'), 'join')])
    expect([...(await interests.ofRoom(roomId))]).to.deep.equal([])
    expect(concerned.size).to.equal(0)
    expect(loads).to.equal(before)
  })

  it('begin and end with the memberships of their users, as of each event', async () => {
    const roomId = await publicRoom(graph, user('alice'))
    await interests.ofRoom(roomId)
    const say = (body: string) => graph.append(roomId, [message(user('alice'), body)])
    await say('before')
    await graph.append(roomId, [member(user('alice'), user('g_1'), 'invite')])
    await say('invited')
    await graph.append(roomId, [member(user('g_1'), user('g_1'), 'join')])
    await say('in')
    await graph.append(roomId, [member(user('g_2'), user('g_2'), 'join')])
    await graph.append(roomId, [member(user('g_1'), user('g_1'), 'leave')])
    await say('the other in')
    await graph.append(roomId, [member(user('alice'), user('g_2'), 'leave')])
    await say('out')
    const told = ['invite', 'join', 'in', 'join', 'leave', 'the other in', 'leave']
    expect(await interesting(ghosts, roomId)).to.deep.equal(told)
    await graph.append(roomId, [member(user('g_1'), user('g_1'), 'join')])
    await say('in again')
    expect(await interesting(ghosts, roomId)).to.deep.equal([...told, 'join', 'in again'])
    expect(await interesting(named, roomId)).to.deep.equal([])
    expect(await interests.since(ghosts, roomId)).to.be.a('number')
  })

  it('are not in users of other servers, nor of services without a URL', async () => {
    const roomId = await publicRoom(graph, user('alice'))
    expect([...(await interests.ofRoom(roomId))]).to.deep.equal([])
    const elsewhere = (await arrivedIn(roomId))[0]!
    expect(await interests.inEvent(ghosts, { ...elsewhere, pdu: { ...elsewhere.pdu, sender: '@g_1:elsewhere.test' } })).to.equal(false)
    expect(await interests.inEvent(ghosts, { ...elsewhere, pdu: { ...elsewhere.pdu, sender: user('g_1') } })).to.equal(true)
  })

  it('follow an alias as it comes and goes', async () => {
    const roomId = await publicRoom(graph, user('alice'))
    expect(await interests.since(named, roomId)).to.equal(undefined)
    await database.commit(graph.claimAlias('#n_1:here.test', roomId, user('alice')))
    expect(await interests.since(named, roomId)).to.equal(0)
    await graph.removeAlias('#n_1:here.test')
    expect(await interests.since(named, roomId)).to.equal(undefined)
  })
})
