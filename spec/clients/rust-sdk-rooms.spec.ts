import { expect } from 'chai'
import { KnownMembership, Preset } from 'matrix-js-sdk'
import { removeFolder, temporaryFolder } from '../support/processes.ts'
import { createDevice, type Device, until } from '../trips/client-device.ts'
import { isInstalled, openPocket, type Pocket } from './pocket.ts'
import { register, startHomeserver } from './site.ts'

const password = 'a password of a pocket'
const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }

describe('rooms in the Rust SDK of Element X', () => {
  let homeserver: Awaited<ReturnType<typeof startHomeserver>>
  let folder: string
  let alice: Pocket
  let bob: Device
  let room: string

  const reads = (text: string) =>
    until(`she reads “${text}”`, async () => (await alice.does('reads', room)).some((read) => read.text === text))
  const bobSees = (text: string) =>
    until(`he sees “${text}”`, () =>
      bob
        .in(room)
        .sees()
        .find((seen) => seen.text === text),
    )
  const invites = async (name?: string) => {
    const options = { preset: Preset.PrivateChat, invite: [alice.user], initial_state: [encryption] }
    return (await bob.client.createRoom({ ...options, ...(name === undefined ? {} : { name }) })).room_id
  }
  const stands = (expected: readonly [string, string, string]) =>
    until(
      `a room ${expected.slice(1).join(' ')}`,
      async () => (await alice.does('rooms')).some((one) => one.join() === expected.join()),
      () => expected,
    )
  const isThere = () => until('she is there', () => bob.client.getRoom(room)?.getMember(alice.user)?.membership === KnownMembership.Join)

  before(async function () {
    if (!isInstalled()) {
      process.stdout.write('  The spec with the Rust SDK is skipped: it is not installed (spec/clients/README.md).\n')
      return this.skip()
    }
    homeserver = await startHomeserver()
    folder = temporaryFolder('tombolo-rust-sdk')
    await register(homeserver, 'alice', password)
    bob = await createDevice(homeserver.url, 'sync', 'bob')
    await bob.client.setDisplayName('Bob')
    alice = await openPocket(homeserver.url, 'alice', password, folder)
  })
  after(async () => {
    bob?.stop()
    await alice?.end()
    await homeserver?.close()
    if (folder !== undefined) removeFolder(folder)
  })

  it('are called by their names in an invitation, and by who is there when they have none', async () => {
    room = await invites('Invited')
    const unnamed = await invites()
    await stands([room, 'Invited', 'INVITED'])
    await stands([unnamed, 'Bob', 'INVITED'])
    for (const one of [room, unnamed]) await alice.does('joins', one)
    await stands([room, 'Invited', 'JOINED'])
    await stands([unnamed, 'Bob', 'JOINED'])
  })

  it('are looked up when a push comes, on a connection of its own', async () => {
    await isThere()
    const event = await bob.in(room).says('worth a push')
    expect(await alice.does('notified', room, event)).to.deep.equal(['Invited', 'Bob', 'worth a push'])
  })

  it('carry encrypted files both ways', async () => {
    await alice.does('sends_file', room, 'hers.txt', 'from a pocket')
    const { event } = await bobSees('hers.txt')
    expect((await bob.in(room).opens(event)).toString()).to.equal('from a pocket')
    await bob.in(room).sends({ kind: 'm.file', mime: 'text/plain', name: 'his.txt', bytes: Buffer.from('from a browser') })
    await reads('his.txt')
    expect(await alice.does('opens_file', room, 'his.txt')).to.equal('from a browser')
  })

  it('go on when the server was started anew and knows none of its connections, each message once', async () => {
    await homeserver.restart()
    await bob.in(room).says('still there?')
    await reads('still there?')
    await alice.does('says', room, 'as before')
    await bobSees('as before')
    // A room that is told anew is shown from there on; what was before is read when somebody scrolls up.
    await alice.does('scrolls_back', room)
    const texts = async () => (await alice.does('reads', room)).map(({ text }) => text).join()
    await until('each once', async () => (await texts()) === 'worth a push,hers.txt,his.txt,still there?,as before')
  })
})
