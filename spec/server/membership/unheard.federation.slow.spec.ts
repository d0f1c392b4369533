import { expect } from 'chai'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import { engines, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`what this server does not hear of rooms that it has left (${engine})`, () => {
    let neighbours: Neighbours
    let here: TestServer
    let alice: TestUser
    let bob: TestUser
    let carol: TestUser
    let room: string
    let people = 0
    /** Whether transactions get through. */
    let isOpen = true

    before(async function () {
      const started = await startNeighbours(2, engine, ({ url }) => isOpen || !url.includes('/federation/v1/send/'))
      if (started === undefined) return this.skip()
      neighbours = started
    })
    after(() => neighbours?.close())

    beforeEach(async () => {
      isOpen = true
      const there = neighbours.servers[0] as TestServer
      here = neighbours.servers[1] as TestServer
      alice = await there.register(`alice${people}`)
      bob = await here.register(`bob${people}`)
      carol = await here.register(`carol${people++}`)
      room = (await alice.post('/createRoom', { preset: 'public_chat', room_version: '10' })).body.room_id
      await bob.post(`/join/${room}?via=${there.config.server_name}`)
    })

    const act = async (what: string, user = bob, by = alice) => {
      const { status, body } = await by.post(`/rooms/${room}/${what}`, { user_id: user.userId })
      expect(status, JSON.stringify(body)).to.equal(200)
    }
    const until = async (isSo: () => Promise<boolean>) => {
      while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const there = async (user: TestUser) => (await alice.get(`/rooms/${room}/state/m.room.member/${user.userId}`)).body.membership
    const isThere = (user: TestUser, membership: string) => until(async () => (await there(user)) === membership)
    const gone = (user = bob) => until(async () => !(await user.get('/joined_rooms')).body.joined_rooms.includes(room))
    const invited = (user: TestUser) => syncUntil(user, ({ rooms }) => rooms?.invite?.[room])

    it('does not keep anybody out whose ban was lifted meanwhile', async () => {
      await act('ban')
      await gone()
      const refused = await bob.post(`/join/${room}`)
      expect([refused.status, refused.body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
      await act('unban')
      expect((await bob.post(`/join/${room}`)).status).to.equal(200)
      await isThere(bob, 'join')
    })

    it('does not keep anybody from knocking whose ban was lifted meanwhile', async () => {
      await alice.put(`/rooms/${room}/state/m.room.join_rules`, { join_rule: 'knock' })
      await act('ban')
      await gone()
      expect((await bob.post(`/knock/${room}`)).status).to.equal(403)
      await act('unban')
      expect((await bob.post(`/knock/${room}`)).status).to.equal(200)
      await isThere(bob, 'knock')
      await act('invite')
      await invited(bob)
      expect((await bob.post(`/join/${room}`)).status).to.equal(200)
    })

    it('does not hide an invitation after a ban that was lifted', async () => {
      await alice.put(`/rooms/${room}/state/m.room.join_rules`, { join_rule: 'invite' })
      await act('ban')
      await gone()
      await act('unban')
      await act('invite')
      await invited(bob)
      expect((await bob.post(`/rooms/${room}/join`)).status).to.equal(200)
    })

    it('is found by the servers that are known, when those that a client names do not answer', async () => {
      await bob.post(`/rooms/${room}/leave`)
      await isThere(bob, 'leave')
      expect((await bob.post(`/join/${room}?via=localhost:1`)).status).to.equal(200)
    })

    for (const what of ['kick', 'ban']) {
      it(`keeps nobody from being invited whose ${what} is still on its way here`, async () => {
        await carol.post(`/join/${room}`)
        await isThere(carol, 'join')
        await alice.put(`/rooms/${room}/state/m.room.join_rules`, { join_rule: 'invite' })
        if (what === 'ban') {
          await act('ban')
          await gone()
        }
        isOpen = false
        await act(what === 'ban' ? 'unban' : 'kick')
        await act('invite')
        isOpen = true
        // Whoever is heard from is told at once what waits.
        await bob.get(`/profile/${alice.userId}`)
        await alice.get(`/profile/${bob.userId}`)
        await invited(bob)
        expect((await bob.post(`/rooms/${room}/join`)).status).to.equal(200)
      })
    }

    for (const whom of ['whoever was made to leave', 'somebody else']) {
      it(`hides no invitation of ${whom} that comes ahead of the end of this server's stay`, async () => {
        const user = whom === 'somebody else' ? carol : bob
        await alice.put(`/rooms/${room}/state/m.room.join_rules`, { join_rule: 'invite' })
        isOpen = false
        await act('kick')
        await act('invite', user)
        isOpen = true
        await bob.get(`/profile/${alice.userId}`)
        await gone()
        await invited(user)
        expect((await user.post(`/rooms/${room}/join`)).status).to.equal(200)
        await isThere(user, 'join')
      })
    }

    describe('of an invitation that is still there', () => {
      beforeEach(async () => {
        await act('invite', carol)
        await invited(carol)
        await bob.post(`/rooms/${room}/leave`)
        await isThere(bob, 'leave')
      })

      it('tells when whoever gave it takes it back', async () => {
        await act('kick', carol)
        await until(async () => (await carol.get('/sync')).body.rooms?.invite?.[room] === undefined)
        expect((await carol.get('/sync')).body.rooms?.invite ?? {}).not.to.have.property(room)
      })

      it('has it declined where the room is', async () => {
        expect((await carol.post(`/rooms/${room}/leave`)).status).to.equal(200)
        expect(await there(carol)).to.equal('leave')
        expect((await carol.get('/sync')).body.rooms?.invite ?? {}).not.to.have.property(room)
      })

      it('lets in', async () => {
        await alice.put(`/rooms/${room}/state/m.room.join_rules`, { join_rule: 'invite' })
        expect((await carol.post(`/rooms/${room}/join`)).status).to.equal(200)
        await isThere(carol, 'join')
      })
    })
  })
}
