import '../../../bridges/kit/matrix/quiet.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { stringify } from 'yaml'
import { type RunningBridge, startBridge } from '../../../bridges/kit/bridge.ts'
import type { HubPlan } from '../../../bridges/kit/kit.ts'
import { readRegistration } from '../../../bridges/kit/matrix/registration.ts'
import { freePort, removeFolder, temporaryFolder } from '../../support/processes.ts'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { eventually } from '../kit/commands/town.ts'
import type { Seat } from './seat.ts'
import { pigeonSeat } from './toy/seat.ts'

type Event = { event_id: string; sender: string; type: string; content: Record<string, unknown> }

describe('the bridge of a network that the kit has never heard of, on a homeserver, in a room that is not encrypted', () => {
  const folder = temporaryFolder()
  const file = join(folder, 'pigeon.yaml')
  let server: TestServer
  let seat: Seat
  let bridge: RunningBridge | undefined
  let alice: TestUser
  let path = ''

  before(async () => {
    const port = await freePort()
    writeFileSync(file, stringify(registrationAt(port)))
    server = await startServer({ config: { appservice_files: [file] } })
    alice = await server.register('alice')
    seat = await pigeonSeat()
    bridge = await start(port)
    await eventually('a bot', async () => (await alice.get('/profile/%40_pigeon_bot%3Ahs.test')).status === 200)
    await bridge.stop()
    const made = await alice.post('/createRoom', {
      ...{ preset: 'trusted_private_chat', room_alias_name: 'loft', invite: ['@_pigeon_bot:hs.test'] },
    })
    path = `/rooms/${encodeURIComponent(String(made.body.room_id))}`
    bridge = await start(port, { alias: '#loft:hs.test', name: 'The loft', invite: [] })
    await seat.listen(`${bridge.url}/webhook`)
  })
  after(async () => {
    await bridge?.stop()
    await server?.close()
    removeFolder(folder)
  })

  const start = (port: number, hub?: HubPlan) =>
    startBridge({
      ...{ connector: seat.connector, secrets: seat.secrets, hub, owner: alice.userId },
      ...{ homeserverUrl: server.url, serverName: 'hs.test', registration: readRegistration(file), dataDir: join(folder, 'bridge') },
      ...{ listen: { host: '127.0.0.1', port }, permissions: { users: ['*'], admins: [] }, log: () => undefined },
    })
  const events = async () => (await alice.get(`${path}/messages`, { query: { dir: 'f', limit: '500' } })).body.chunk as Event[]
  const send = async (txn: string, content: object) =>
    String((await alice.put(`${path}/send/m.room.message/${txn}`, content)).body.event_id)
  const onPhone = async () => (await seat.phone.sees()).find(({ mine }) => !mine)

  it('carries texts, a correction and a withdrawal, each as what it is, and never carries its own ghosts back', async () => {
    await seat.phone.sends({ text: 'coo' })
    await seat.settle()
    const coo = await eventually('coo', async () => (await events()).find(({ content }) => content['body'] === 'coo'))
    expect(coo.sender).to.match(/^@_pigeon_[a-z2-7]{26}:hs\.test$/)
    const event = await send('1', { msgtype: 'm.text', body: 'hi' })
    await eventually('hi', async () => (await onPhone())?.text === 'alice (Matrix): hi')
    const edited = { msgtype: 'm.text', body: '* ho', 'm.new_content': { msgtype: 'm.text', body: 'ho' } }
    await send('2', { ...edited, 'm.relates_to': { rel_type: 'm.replace', event_id: event } })
    await eventually('ho', async () => (await onPhone())?.text === 'alice (Matrix): ho')
    await alice.put(`${path}/redact/${encodeURIComponent(event)}/3`, {})
    await eventually('gone', async () => (await onPhone())?.deleted)
    expect((await seat.phone.sees()).map(({ mine }) => mine)).to.deep.equal([true, false])
    expect((await events()).filter(({ type }) => type === 'm.room.encrypted')).to.deep.equal([])
  })

  it('brings a file as it is, which whoever is in the room can fetch', async () => {
    const bytes = Buffer.from('%PDF-1.4\n%%EOF\n')
    await seat.phone.sends({ file: { kind: 'file', mime: 'application/pdf', bytes, name: 'offer.pdf' } })
    await seat.settle()
    const found = await eventually('the file', async () => (await events()).find(({ content }) => content['msgtype'] === 'm.file'))
    expect(found.content['body']).to.equal('offer.pdf')
    const mxc = String(found.content['url']).slice('mxc://'.length)
    const answer = await fetch(`${server.url}/_matrix/client/v1/media/download/${mxc}`, {
      headers: { authorization: `Bearer ${alice.token}` },
    })
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).to.equal(true)
  })
})

function registrationAt(port: number) {
  const named = (sigil: string) => [{ exclusive: true, regex: `${sigil}_pigeon_.*:hs\\.test` }]
  return {
    ...{ id: 'pigeon', url: `http://127.0.0.1:${port}`, as_token: 'token-of-the-loft', hs_token: 'token-of-the-server' },
    ...{ sender_localpart: '_pigeon_bot', namespaces: { users: named('@'), aliases: named('#'), rooms: [] }, rate_limited: false },
    ...{ receive_ephemeral: true, 'org.matrix.msc3202': true, 'io.element.msc4190': true },
  }
}
