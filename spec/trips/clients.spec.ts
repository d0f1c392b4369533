import { expect } from 'chai'
import { KnownMembership, Method, Preset, type Room } from 'matrix-js-sdk'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { addDevice, createDevice, type Device, type Recovery, scrollBack, until, ways } from './client-device.ts'
import { verify } from './verify.ts'

const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
const bytes = Buffer.from('a file that nobody else should read')

for (const way of ways) {
  describe(`three clients of matrix-js-sdk with Rust crypto, by ${way}`, () => {
    let cluster: Cluster
    let server: string
    let alice: Device
    let bob: Device
    let carol: Device
    let roomId: string
    const recovery: Recovery = {}
    const started: Device[] = []

    const begin = async (making: Promise<Device>) => {
      const device = await making
      started.push(device)
      return device
    }
    const texts = (device: Device, room = roomId) =>
      device
        .in(room)
        .sees()
        .map(({ text }) => text)
    const reads = (device: Device, text: string, room = roomId) =>
      until(
        `${device.userId} reads “${text}”`,
        () => texts(device, room).includes(text),
        () => texts(device, room),
      )
    const isIn = (device: Device, room: string, membership: KnownMembership) =>
      until(`${device.userId}: ${membership}`, () => device.client.getRoom(room)?.getMyMembership() === membership)
    const knows = (device: Device, room: string, count: number) =>
      until(`${device.userId} knows who is there`, () => device.client.getRoom(room)?.getJoinedMemberCount() === count)

    const pairs = () =>
      [
        [alice, bob],
        [bob, alice],
      ] as const

    before(async () => {
      cluster = (await startCluster('sqlite')) as Cluster
      server = cluster.members[0]?.url() ?? ''
      alice = await begin(createDevice(server, way, 'alice', recovery))
      bob = await begin(createDevice(server, way, 'bob'))
      carol = await begin(createDevice(server, way, 'carol'))
    })
    after(async () => {
      for (const device of started) device.stop()
      await cluster?.close()
    })

    it('two meet in an encrypted room', async () => {
      const made = await alice.client.createRoom({
        preset: Preset.PrivateChat,
        name: 'Walk',
        initial_state: [encryption],
        invite: [bob.userId],
      })
      roomId = made.room_id
      await isIn(bob, roomId, KnownMembership.Invite)
      await until('the name', () => bob.client.getRoom(roomId)?.name === 'Walk')
      await bob.client.joinRoom(roomId)
      await Promise.all([knows(alice, roomId, 2), knows(bob, roomId, 2)])
      await until('it is encrypted for Bob', () => bob.crypto.isEncryptionEnabledInRoom(roomId))
    })

    it('verify each other in it, by the same emoji', async () => {
      for (const [one, other] of pairs()) {
        one.crypto.prepareToEncrypt(one.client.getRoom(roomId) as Room)
        await until('the keys of the other', () => one.crypto.userHasCrossSigningKeys(other.userId))
      }
      const [hers, his] = await verify(() => alice.crypto.requestVerificationDM(bob.userId, roomId), bob)
      expect(hers).to.equal(his).and.to.have.length.above(10)
      for (const [one, other] of pairs()) {
        await until('verified', async () => (await one.crypto.getUserVerificationStatus(other.userId)).isCrossSigningVerified())
      }
      expect((await alice.crypto.getUserVerificationStatus(carol.userId)).isCrossSigningVerified()).to.equal(false)
    })

    it('exchange messages, answers, corrections, reactions and a file', async () => {
      const first = await alice.in(roomId).says('shall we meet?')
      await reads(bob, 'shall we meet?')
      const second = await bob.in(roomId).says('at noon', { replyTo: first })
      await reads(alice, 'at noon')
      await alice.in(roomId).reacts(second, '👍')
      await bob.in(roomId).edits(second, 'at one')
      await reads(alice, 'at one')
      const file = await bob.in(roomId).sends({ kind: 'm.file', mime: 'text/plain', name: 'plan.txt', bytes })
      await reads(alice, 'plan.txt')
      await until('the reaction', () =>
        bob
          .in(roomId)
          .sees()
          .some(({ reactions }) => reactions.length > 0),
      )

      const seen = alice.in(roomId).sees().slice(-3)
      expect(seen.map(({ text, replyTo, edited }) => ({ text, replyTo, edited }))).to.deep.equal([
        { text: 'shall we meet?', replyTo: undefined, edited: undefined },
        { text: 'at one', replyTo: first, edited: true },
        { text: 'plan.txt', replyTo: undefined, edited: undefined },
      ])
      expect(bob.in(roomId).sees().slice(-3)).to.deep.equal(seen)
      expect(seen[1]?.reactions.map(({ emoji }) => emoji)).to.deep.equal(['👍'])
      expect(await alice.in(roomId).opens(file)).to.deep.equal(bytes)
      for (const device of [alice, bob]) expect(await device.in(roomId).faults()).to.deep.equal([])
    })

    it('talk aside in a thread', async () => {
      const root = await alice.in(roomId).says('about the tickets')
      await reads(bob, 'about the tickets')
      await bob.client.sendTextMessage(roomId, root, 'I have two')
      const thread = () => alice.client.getRoom(roomId)?.getThread(root)
      const bodies = () => thread()?.events.map((event) => event.getContent()['body'])
      await until('the thread', () => bodies()?.includes('I have two'), bodies)
      await alice.client.sendTextMessage(roomId, root, 'then we are set')
      await until('both in the thread', () => bodies()?.includes('then we are set'), bodies)
      expect(bodies()).to.deep.equal(['about the tickets', 'I have two', 'then we are set'])
      expect(texts(alice)).to.include('about the tickets').and.not.to.include('I have two')
    })

    it('restart with what they kept, miss nothing and are the same devices', async () => {
      const keys = await bob.crypto.getOwnDeviceKeys()
      bob = await begin(bob.restart(async () => void (await alice.in(roomId).says('while he was away'))))
      await reads(bob, 'while he was away')
      await reads(bob, 'shall we meet?')
      await until('all of it', () => !texts(bob).includes('undecryptable'))
      expect(await bob.crypto.getOwnDeviceKeys()).to.deep.equal(keys)
      expect((await bob.crypto.getUserVerificationStatus(alice.userId)).isCrossSigningVerified()).to.equal(true)
      await bob.in(roomId).says('back again')
      await reads(alice, 'back again')
      expect(await alice.in(roomId).faults()).to.deep.equal([])
    })

    it('recover on a new device from secret storage and key backup', async () => {
      const made = await alice.crypto.createRecoveryKeyFromPassphrase()
      recovery.key = made.privateKey
      await alice.crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => made, setupNewKeyBackup: true })
      const sessions = JSON.parse(await alice.crypto.exportRoomKeysAsJson()).length
      const backup = () => alice.client.http.authedRequest<{ count: number }>(Method.Get, '/room_keys/version')
      await until('everything is backed up', async () => (await backup()).count === sessions)

      const phone = await begin(addDevice(server, way, 'alice', recovery))
      expect(await phone.crypto.userHasCrossSigningKeys()).to.equal(true)
      await phone.crypto.bootstrapCrossSigning({})
      await phone.crypto.loadSessionBackupPrivateKeyFromSecretStorage()
      await phone.crypto.checkKeyBackupAndEnable()
      const restored = await phone.crypto.restoreKeyBackup()
      expect(restored.imported).to.equal(sessions).and.equal(restored.total)
      await scrollBack(phone.client, roomId)
      await until(
        'all is read',
        () => texts(phone).join() === texts(alice).join(),
        () => [texts(phone), texts(alice)],
      )
      expect(await phone.crypto.isCrossSigningReady()).to.equal(true)
      await until('Bob trusts the new device', async () =>
        (await bob.crypto.getDeviceVerificationStatus(alice.userId, phone.deviceId))?.isVerified(),
      )
      await bob.in(roomId).says('to both of your devices')
      await reads(phone, 'to both of your devices')
    })

    it('verify a new device by an old one, which hands over the secrets', async () => {
      const tablet = await begin(addDevice(server, way, 'alice'))
      expect(await tablet.crypto.isCrossSigningReady()).to.equal(false)
      await until(
        'the tablet knows the others',
        async () => (await tablet.crypto.getUserDeviceInfo([alice.userId])).get(alice.userId)?.size === 3,
      )
      const asking = () => tablet.crypto.requestDeviceVerification(alice.userId, alice.deviceId)
      const [here, there] = await verify(asking, alice)
      expect(here).to.equal(there)
      await until('the secrets', () => tablet.crypto.isCrossSigningReady())
      await until('the backup’s key', async () => (await tablet.crypto.getSessionBackupPrivateKey()) !== null)
      const { imported, total } = await tablet.crypto.restoreKeyBackup()
      expect(imported).to.equal(total).and.to.be.above(0)
    })

    it('the third, who comes late and is given no keys, sees that there was talk, and reads what is said from then on', async () => {
      await alice.client.http.authedRequest(Method.Post, `/rooms/${encodeURIComponent(roomId)}/invite`, undefined, {
        user_id: carol.userId,
      })
      await isIn(carol, roomId, KnownMembership.Invite)
      await carol.client.joinRoom(roomId)
      await Promise.all([knows(alice, roomId, 3), knows(carol, roomId, 3)])
      await alice.in(roomId).says('welcome, Carol')
      await reads(carol, 'welcome, Carol')
      await scrollBack(carol.client, roomId)
      const seen = texts(carol)
      expect(seen).to.have.length(texts(alice).length)
      expect(seen.filter((text) => text !== 'undecryptable')).to.deep.equal(['welcome, Carol'])
      await carol.in(roomId).says('hello both')
      await Promise.all([alice, bob].map((device) => reads(device, 'hello both')))
    })

    it('the third, whom the keys of what was said are handed with the invitation, reads that too', async () => {
      const { room_id: shared } = await alice.client.createRoom({ preset: Preset.PrivateChat, initial_state: [encryption] })
      await knows(alice, shared, 1)
      await alice.in(shared).says('said before Carol')
      await alice.client.invite(shared, carol.userId)
      await isIn(carol, shared, KnownMembership.Invite)
      await carol.client.joinRoom(shared)
      await scrollBack(carol.client, shared)
      await reads(carol, 'said before Carol', shared)
    })

    it('the third sees nothing from before or after their time where only members may', async () => {
      const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }
      const made = await alice.client.createRoom({ preset: Preset.PrivateChat, initial_state: [encryption, visibility] })
      const closed = made.room_id
      await knows(alice, closed, 1)
      const early = await alice.in(closed).says('not for Carol')
      await alice.client.invite(closed, carol.userId)
      await isIn(carol, closed, KnownMembership.Invite)
      await carol.client.joinRoom(closed)
      await knows(alice, closed, 2)
      await alice.in(closed).says('for Carol')
      await reads(carol, 'for Carol', closed)
      await scrollBack(carol.client, closed)
      expect(texts(carol, closed)).to.deep.equal(['for Carol'])
      await carol.client.leave(closed)
      await knows(alice, closed, 1)
      const late = await alice.in(closed).says('not for Carol any more')
      for (const event of [early, late]) {
        const fetched = await carol.client.fetchRoomEvent(closed, event).then(
          () => 200,
          ({ httpStatus }) => httpStatus,
        )
        expect(fetched).to.equal(404)
      }
    })
  })
}
