import { expect } from 'chai'
import { KnownMembership, Preset, type Room } from 'matrix-js-sdk'
import { addDevice, createDevice, type Device, until } from '../trips/client-device.ts'
import { verify } from '../trips/verify.ts'
import { findPair, type Other, others } from './homeservers.ts'

const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
const way = 'sync'

for (const other of others) for (const isHost of [false, true]) declare(other, isHost)

function declare(other: Other, isHost: boolean): void {
  const [hosting, visiting] = isHost ? [other, 'tombolo'] : ['tombolo', other]
  describe(`clients of matrix-js-sdk with Rust crypto, Alice’s on ${hosting}, Bob’s on ${visiting}`, () => {
    let alice: Device
    let bob: Device
    let phone: Device
    let roomId: string
    let guestUrl: string
    const started: Device[] = []
    const names = { alice: `alice-of-${hosting}`, bob: `bob-of-${visiting}` }

    const begin = async (making: Promise<Device>) => {
      const device = await making
      started.push(device)
      return device
    }
    const texts = (device: Device) =>
      device
        .in(roomId)
        .sees()
        .map(({ text }) => text)
    const reads = (device: Device, text: string) =>
      until(
        `${device.userId} reads “${text}”`,
        () => texts(device).includes(text),
        () => texts(device),
      )
    const devicesOf = async (by: Device, user: Device) => [
      ...((await by.crypto.getUserDeviceInfo([user.userId])).get(user.userId)?.keys() ?? []),
    ]

    before(async function () {
      const pair = await findPair(this, other)
      const [host, guest] = isHost ? [pair.other, pair.tombolo] : [pair.tombolo, pair.other]
      guestUrl = guest.url
      alice = await begin(createDevice(host.url, way, names.alice))
      bob = await begin(createDevice(guestUrl, way, names.bob))
    })
    after(() => {
      for (const device of started) device.stop()
    })

    it('two meet in an encrypted room and read each other', async () => {
      const made = await alice.client.createRoom({ preset: Preset.PrivateChat, initial_state: [encryption], invite: [bob.userId] })
      roomId = made.room_id
      await until('the invitation', () => bob.client.getRoom(roomId)?.getMyMembership() === KnownMembership.Invite)
      await bob.client.joinRoom(roomId)
      for (const device of [alice, bob]) {
        await until('both know who is there', () => device.client.getRoom(roomId)?.getJoinedMemberCount() === 2)
        await until('it is encrypted', () => device.crypto.isEncryptionEnabledInRoom(roomId))
      }
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        await from.in(roomId).says(`a secret of ${from.userId}`)
        await reads(to, `a secret of ${from.userId}`)
        expect(await to.in(roomId).faults()).to.deep.equal([])
      }
    })

    it('send an encrypted file over the border', async () => {
      const bytes = Buffer.from('a file that nobody else should read')
      const sent = await bob.in(roomId).sends({ kind: 'm.file', mime: 'text/plain', name: 'plan.txt', bytes })
      await reads(alice, 'plan.txt')
      expect(await alice.in(roomId).opens(sent)).to.deep.equal(bytes)
    })

    it('verify each other by the same emoji', async () => {
      for (const [one, other] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        one.crypto.prepareToEncrypt(one.client.getRoom(roomId) as Room)
        await until('the keys of the other', () => one.crypto.userHasCrossSigningKeys(other.userId))
      }
      const [hers, his] = await verify(() => alice.crypto.requestVerificationDM(bob.userId, roomId), bob)
      expect(hers).to.equal(his).and.to.have.length.above(10)
      await until('verified', async () => (await alice.crypto.getUserVerificationStatus(bob.userId)).isCrossSigningVerified())
    })

    it('learn of a new device on the other server, and write so that it reads', async () => {
      phone = await begin(addDevice(guestUrl, way, names.bob))
      await until('the new device', async () => (await devicesOf(alice, bob)).includes(phone.deviceId))
      await alice.in(roomId).says('to both of your devices')
      await Promise.all([bob, phone].map((device) => reads(device, 'to both of your devices')))
      await phone.in(roomId).says('from the new one')
      await reads(alice, 'from the new one')
    })

    it('learn that a device is gone, and write no more to it', async () => {
      await phone.client.logout(true)
      await until('it is gone', async () => !(await devicesOf(alice, bob)).includes(phone.deviceId))
      await alice.in(roomId).says('to the one that is left')
      await reads(bob, 'to the one that is left')
    })

    it('read what was said while one of them was away', async () => {
      bob = await begin(bob.restart(async () => void (await alice.in(roomId).says('while he was away'))))
      await reads(bob, 'while he was away')
      await until('all of it', () => !texts(bob).includes('undecryptable'))
      await bob.in(roomId).says('back again')
      await reads(alice, 'back again')
    })
  })
}
