import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { KnownMembership } from 'matrix-js-sdk'
import { VerificationPhase } from 'matrix-js-sdk/lib/crypto-api/verification.js'
import { removeFolder, temporaryFolder } from '../support/processes.ts'
import { createDevice, type Device, until } from '../trips/client-device.ts'
import { isInstalled, openPocket, type Pocket } from './pocket.ts'
import { register, type Site, startHomeserver } from './site.ts'

const password = 'a password of a pocket'

describe('the Rust SDK of Element X, with matrix-js-sdk as its peer', () => {
  let homeserver: Site
  let folder: string
  let alice: Pocket
  let bob: Device
  let room: string
  let recoveryKey: string
  const opened: Pocket[] = []

  const open = async (device: string) => {
    mkdirSync(join(folder, device), { recursive: true })
    const pocket = await openPocket(homeserver.url, 'alice', password, join(folder, device))
    opened.push(pocket)
    return pocket
  }
  const texts = async (pocket: Pocket) => (await pocket.does('reads', room)).map(({ text }) => text)
  const reads = (pocket: Pocket, text: string) => until(`it reads “${text}”`, async () => (await texts(pocket)).includes(text))
  const stands = (pocket: Pocket, expected: Readonly<Record<string, string>>) =>
    until(`it stands as ${JSON.stringify(expected)}`, async () => {
      const now: Readonly<Record<string, string>> = await pocket.does('stands')
      return Object.entries(expected).every(([key, value]) => now[key] === value)
    })
  const bobReads = (text: string) =>
    until(`Bob reads “${text}”`, () =>
      bob
        .in(room)
        .sees()
        .some((seen) => seen.text === text),
    )

  before(async function () {
    if (!isInstalled()) {
      process.stdout.write('  The spec with the Rust SDK is skipped: it is not installed (spec/clients/README.md).\n')
      return this.skip()
    }
    homeserver = await startHomeserver()
    folder = temporaryFolder('tombolo-rust-sdk')
    await register(homeserver, 'alice', password)
    bob = await createDevice(homeserver.url, 'sync', 'bob')
  })
  after(async () => {
    bob?.stop()
    for (const pocket of opened) await pocket.end()
    await homeserver?.close()
    if (folder !== undefined) removeFolder(folder)
  })

  it('logs in, and its first device is verified by keys that it uploaded without a password', async () => {
    alice = await open('phone')
    expect(alice.user).to.equal('@alice:hs.test')
    await until('verified', async () => (await alice.does('stands')).verification === 'VERIFIED')
  })

  it('makes an encrypted room, which the other accepts', async () => {
    room = await alice.does('makes_room', 'Pockets', [bob.userId])
    await until('the invitation', () => bob.client.getRoom(room)?.getMyMembership() === KnownMembership.Invite)
    await bob.client.joinRoom(room)
    const rooms = async () => JSON.stringify(await alice.does('rooms'))
    await until('one room', async () => (await rooms()) === JSON.stringify([[room, 'Pockets', 'JOINED']]), rooms)
  })

  it('writes and reads encrypted, reacts, and shows who has read', async () => {
    await alice.does('says', room, 'from a pocket')
    await bobReads('from a pocket')
    const answer = await bob.in(room).says('from a browser')
    await reads(alice, 'from a browser')
    await alice.does('reacts', room, 'from a browser', '👍')
    await until('the reaction', () =>
      bob
        .in(room)
        .sees()
        .some(({ reactions }) => reactions.some(({ emoji }) => emoji === '👍')),
    )
    await alice.does('marks_read', room)
    await until('her receipt', () => bob.in(room).readersOf(answer).includes(alice.user))
    expect(await bob.in(room).faults()).to.deep.equal([])
    const shown = async () => (await alice.does('reads', room)).map(({ sender, text, sent }) => `${sender}: ${text}, ${sent}`)
    await until(
      'each once',
      async () => (await shown()).join() === '@alice:hs.test: from a pocket, true,@bob:hs.test: from a browser, true',
      shown,
    )
  })

  it('verifies the other by the same emoji', async () => {
    expect(await alice.does('trusts', bob.userId)).to.equal(false)
    const asked = await bob.crypto.requestDeviceVerification(alice.user, alice.device)
    await until('the request', async () => (await alice.does('verifies')).stage === 'requested')
    await alice.does('accepts')
    await until('she accepts', () => asked.phase === VerificationPhase.Ready)
    const verifier = await asked.startVerification('m.sas.v1')
    const verified = verifier.verify()
    const his = await until('his emoji', () => verifier.getShowSasCallbacks())
    const hers = await until('her emoji', async () => (await alice.does('verifies')).emoji)
    expect(hers.split(' | ')).to.deep.equal(his.sas.emoji?.map(([, name]) => name))
    await Promise.all([alice.does('approves'), his.confirm(), verified])
    await until('she trusts him', () => alice.does('trusts', bob.userId))
    await until('he trusts her', async () => (await bob.crypto.getUserVerificationStatus(alice.user)).isCrossSigningVerified())
  })

  it('comes back with what it kept, and has missed nothing', async () => {
    await alice.does('stops')
    await alice.end()
    await bob.in(room).says('while she was away')
    const { device } = alice
    alice = await open('phone')
    expect(alice.device).to.equal(device)
    await reads(alice, 'while she was away')
    expect(await texts(alice)).not.to.include(null)
  })

  it('enables recovery, which keeps every key on the server', async () => {
    recoveryKey = await alice.does('enables_recovery')
    await alice.does('backs_up')
    await stands(alice, { verification: 'VERIFIED', recovery: 'ENABLED', backup: 'ENABLED' })
  })

  it('recovers on a new device with the recovery key, and reads what was said before', async () => {
    const tablet = await open('tablet')
    await stands(tablet, { verification: 'UNVERIFIED', recovery: 'INCOMPLETE' })
    await until('the room', async () => (await tablet.does('rooms')).length > 0)
    await tablet.does('scrolls_back', room)
    expect(await texts(tablet))
      .to.include(null)
      .and.not.to.include('from a browser')
    await tablet.does('recovers', recoveryKey)
    for (const text of ['from a pocket', 'from a browser', 'while she was away']) await reads(tablet, text)
    await stands(tablet, { verification: 'VERIFIED', recovery: 'ENABLED' })
    await until('Bob trusts it', async () => (await bob.crypto.getDeviceVerificationStatus(alice.user, tablet.device))?.isVerified())
    await bob.in(room).says('to both of yours')
    for (const pocket of [alice, tablet]) await reads(pocket, 'to both of yours')
    await tablet.does('says', room, 'and from both')
    await bobReads('and from both')
  })

  it('verifies a new device by an old one, which hands over the secrets', async () => {
    const watch = await open('watch')
    await until('the room', async () => (await watch.does('rooms')).length > 0)
    // The SDK drops what a device asks for that it does not know yet: it does once what it says can be read there.
    await until('the new device is known', async () => {
      await alice.does('says', room, 'for the new one too')
      return (await texts(watch)).includes('for the new one too')
    })
    await stands(watch, { verification: 'UNVERIFIED' })
    await watch.does('asks_to_verify', null)
    await until('the request', async () => (await alice.does('verifies')).stage === 'requested')
    await alice.does('accepts')
    await until('ready', async () => (await watch.does('verifies')).stage === 'ready')
    await watch.does('begins')
    for (const pocket of [watch, alice]) await until('emoji', async () => (await pocket.does('verifies')).emoji !== null)
    const shown = [await watch.does('verifies'), await alice.does('verifies')].map(({ emoji }) => emoji)
    expect(shown[0]).to.equal(shown[1])
    for (const pocket of [watch, alice]) await pocket.does('approves')
    await stands(watch, { verification: 'VERIFIED', recovery: 'ENABLED' })
    await watch.does('scrolls_back', room)
    await reads(watch, 'from a browser')
  })
})
