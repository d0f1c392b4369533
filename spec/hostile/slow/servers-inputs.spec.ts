import { expect } from 'chai'
import type { JsonObject } from '../../../server/core/json.ts'
import { MatrixError } from '../../../server/core/matrix-error.ts'
import { listEndpoints } from '../../../server/homeserver.ts'
import { queryValues, requestBodies, requestQueries, segments, spoiled } from '../../support/hostile/inputs.ts'
import { type AmongPeers, startServerWithPeers } from '../../support/peer.ts'

const endpoints = listEndpoints().filter(({ path }) => path.startsWith('/_matrix/federation/'))
const everyBody = 3
const everyQuery = 11

/** What a server that signs correctly may ask, however wrong it is. */
describe('Hostile inputs of another server', () => {
  let among: AmongPeers
  let ids: Record<string, string>

  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    const alice = await among.server.register('alice')
    const { room_id: roomId } = (await alice.post('/createRoom', { preset: 'public_chat', room_version: '11' })).body
    const { event_id: eventId } = (await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { msgtype: 'm.text', body: 'x' })).body
    ids = { roomId, eventId, userId: alice.userId, deviceId: alice.deviceId, txnId: '1' }
  })
  after(() => among?.close())

  const fill = (text: string) => {
    const { serverName = '' } = among.peers[0] ?? {}
    return text.replaceAll('else.where', serverName).replace(/\{(\w+)\*?\}/g, (_, name) => ids[name] ?? `${name}1`)
  }
  const pathOf = (path: string) => path.replace(/\{(\w+)\*?\}/g, (_, name) => encodeURIComponent(ids[name] ?? `${name}1`))

  async function ask(method: string, uri: string, body?: unknown): Promise<void> {
    const content = method === 'GET' ? undefined : ((body ?? {}) as JsonObject)
    const answer = await among.peers[0]?.ask(among.server, method, uri, content).catch(unsigned)
    if (answer === undefined) return
    const what = `${method} ${uri.slice(0, 200)} ${JSON.stringify(content)?.slice(0, 300)}`
    expect(answer.status, what).to.be.below(500)
    if (answer.status >= 400) expect(answer.body, what).to.include.keys('errcode', 'error')
  }

  it('lead to no 500, whatever stands in the path', async () => {
    for (const { method, path, operationId } of endpoints) {
      for (const [, name] of path.matchAll(/\{(\w+)\*?\}/g)) {
        const [before = '', after = ''] = path.split(new RegExp(`\\{${name}\\*?\\}`))
        const body = JSON.parse(fill(JSON.stringify(requestBodies[operationId] ?? {})))
        for (const segment of segments) await ask(method, pathOf(before) + segment + pathOf(after), body)
      }
    }
  })

  it('lead to no 500, whatever stands in the query', async () => {
    let turn = 0
    for (const { method, path } of endpoints) {
      for (const name of [...requestQueries, 'ver', 'event_id', 'v', 'min_depth', 'omit_members']) {
        for (const value of queryValues) if (turn++ % everyQuery === 0) await ask(method, `${pathOf(path)}?${name}=${value}`)
      }
    }
  })

  it('lead to no 500, whatever is wrong in the body', async () => {
    let turn = 0
    for (const { method, path, operationId } of endpoints) {
      if (method === 'GET') continue
      for (const text of spoiled(requestBodies[operationId] ?? {})) {
        const body = turn++ % everyBody === 0 ? parsed(fill(text)) : undefined
        if (body !== undefined) await ask(method, pathOf(path).replace('txnId1', `${turn}`), body)
      }
    }
    expect(among.server.log()).to.not.match(/a request failed/)
  })
})

/** What has no canonical form cannot be signed. */
function unsigned(error: unknown): undefined {
  if (!(error instanceof MatrixError)) throw error
  return undefined
}

/** Only what is JSON can be signed. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
