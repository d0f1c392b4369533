import { expect } from 'chai'
import { createClient, type MatrixClient, Preset } from 'matrix-js-sdk'
// It keeps the timers of matrix-js-sdk from holding the tests.
import '../../../trips/matrix-person.ts'
import { botId, eventually, openTown, type Town } from './town.ts'

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet }

describe('an encrypted management room', () => {
  let town: Town
  let client: MatrixClient
  let room = ''
  before(async () => {
    town = await openTown()
    const alice = await town.server.register('alice')
    client = createClient({
      baseUrl: town.server.url,
      userId: alice.userId,
      accessToken: alice.token,
      deviceId: alice.deviceId,
      logger: quiet as never,
    })
    await client.initRustCrypto({ useIndexedDB: false })
    client.matrixRTC.start = () => undefined
    await client.startClient({ initialSyncLimit: 100, pollTimeout: 5000 })
    // Nobody encrypts for a device that has not shown its keys yet.
    await eventually('the keys of her device', async () => {
      const { body } = await alice.post('/keys/query', { device_keys: { [alice.userId]: [] } })
      return body.device_keys[alice.userId]?.[alice.deviceId]
    })
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
    const made = await client.createRoom({
      preset: Preset.TrustedPrivateChat,
      is_direct: true,
      invite: [botId],
      initial_state: [encryption],
    })
    room = made.room_id
  })
  after(async () => {
    client?.stopClient()
    await town?.close()
  })

  const events = () => client.getRoom(room)?.getLiveTimeline().getEvents() ?? []
  const heard = () => events().flatMap((event) => (event.getSender() === botId ? [String(event.getContent()['body'] ?? '')] : []))

  it('is greeted and answered with encryption alone', async () => {
    await eventually('a greeting', () => heard().some((line) => line.startsWith('Hello. I am the WhatsApp bridge')))
    expect(heard().join('\n')).not.to.include('not encrypted')
    await client.sendTextMessage(room, 'list')
    await eventually('an answer', () => heard().some((line) => /^WhatsApp · .*connected/.test(line)))
    const said = events().filter((event) => event.getSender() === botId && event.getContent()['msgtype'] === 'm.notice')
    expect(said.map((event) => event.isEncrypted())).to.deep.equal([true, true])
  })

  it('has the message with a token removed, and never shows the token to the homeserver', async () => {
    const { id, accessToken } = town.sandbox.accounts.whatsapp
    const { event_id } = await client.sendTextMessage(room, `login ${id} ${accessToken}`)
    await eventually('connected', () => heard().some((line) => line.startsWith('Connected: WhatsApp')))
    await eventually('the redaction', () =>
      events()
        .find((event) => event.getId() === event_id)
        ?.isRedacted(),
    )
    expect(town.server.log() + town.log()).not.to.include(accessToken)
  })
})
