import { expect } from 'chai'
import { inEachVersion } from './cast.ts'
import type { Person } from './person.ts'
import type { InRoom } from './rooms.ts'

async function talk(room: InRoom, one: Person, other: Person): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    await room.says(from, `from ${from.userId}`)
    await room.hearsText(to, `from ${from.userId}`)
  }
  expect(await room.stands(one)).to.deep.equal(await room.stands(other))
}

inEachVersion('entering', (cast, version) => {
  const rule = (join_rule: string, space?: InRoom) => ({
    type: 'm.room.join_rules',
    state_key: '',
    content: { join_rule, ...(space ? { allow: [{ type: 'm.room_membership', room_id: space.id }] } : {}) },
  })

  it('an invitation shows what the room is, and lets in', async () => {
    const { alice, bob, makes } = cast()
    const room = await makes({ name: 'Walk', invite: [bob.userId] })
    const { stripped } = await bob.hears('the invitation', ({ rooms }) => rooms.get(room.id))
    expect(stripped.find(({ type }) => type === 'm.room.name')?.content).to.deep.equal({ name: 'Walk' })
    expect(stripped.find(({ type }) => type === 'm.room.create')?.sender).to.equal(alice.userId)
    expect(stripped.find(({ state_key }) => state_key === bob.userId)?.sender).to.equal(alice.userId)
    await room.enters(bob, alice)
    await talk(room, alice, bob)
  })

  it('an invitation is declined', async () => {
    const { alice, bob, makes } = cast()
    const room = await makes({ invite: [bob.userId] })
    await room.is(bob, 'invite')
    await room.leaves(bob)
    await room.sees(alice, bob, 'leave')
  })

  it('an invitation is withdrawn', async () => {
    const { alice, ben, makes } = cast()
    const room = await makes({ invite: [ben.userId] })
    await room.is(ben, 'invite')
    await room.acts(alice, 'kick', ben)
    await room.is(ben, 'leave')
    expect(await room.isLetIn(ben, alice)).to.equal(false)
  })

  it('whoever was put out is invited again at once', async () => {
    const { alice, bob, ben, guest, meets } = cast()
    // The others hide an invitation that overtakes what put somebody out.
    if (guest.kind !== 'tombolo') return
    const room = await meets([bob, ben])
    for (const ways of [['kick'], ['ban', 'unban']] as const) {
      await room.is(bob, 'join')
      for (const way of ways) await room.acts(alice, way, bob)
      await room.acts(alice, 'invite', bob)
      await room.is(bob, 'invite')
      await room.enters(bob, alice)
      await room.sees(ben, bob, 'join')
    }
    await talk(room, alice, bob)
  })

  it('whoever was banned comes back when it is over, told of it or not', async () => {
    const { alice, bob, makes } = cast()
    const room = await makes({ preset: 'public_chat' })
    await room.enters(bob, alice)
    await room.acts(alice, 'ban', bob)
    await room.is(bob, 'leave')
    expect(await room.isLetIn(bob, alice)).to.equal(false)
    await room.acts(alice, 'unban', bob)
    await room.enters(bob, alice)
    await talk(room, alice, bob)
  })

  it('a membership with a third-party invite of which nothing is signed is one on both sides', async () => {
    const { alice, bob, meets } = cast()
    const room = await meets([bob])
    for (const one of [alice, bob]) {
      const content = { membership: 'join', displayname: 'Odd', third_party_invite: { display_name: 'x' } }
      const event = await room.sets(one, 'm.room.member', content, one.userId)
      expect((await room.event(one, event)).content).to.deep.equal(content)
    }
    await talk(room, alice, bob)
  })

  it('who is there invites others of both servers', async () => {
    const { alice, anna, bob, ben, meets } = cast()
    const room = await meets([bob])
    for (const other of [ben, anna]) {
      await room.acts(bob, 'invite', other)
      await room.is(other, 'invite')
      // Dendrite tells of an invitation before it is in the room.
      await room.sees(alice, other, 'invite')
      await room.enters(other, bob)
      await room.sees(alice, other, 'join')
    }
    await talk(room, anna, ben)
  })

  it('an alias leads in, and back in after leaving', async () => {
    const { alice, bob, host, makes } = cast()
    const room_alias_name = `walk-${alice.userId.slice(1).split(':')[0]}`
    const room = await makes({ preset: 'public_chat', room_alias_name })
    const alias = `#${room_alias_name}:${host.serverName}`
    expect((await bob.does('GET', `/directory/room/${encodeURIComponent(alias)}`)).room_id).to.equal(room.id)
    for (const _ of ['first', 'again']) {
      expect((await bob.does('POST', `/join/${encodeURIComponent(alias)}`)).room_id).to.equal(room.id)
      await room.sees(alice, bob, 'join')
      await talk(room, alice, bob)
      await room.leaves(bob)
      await room.sees(alice, bob, 'leave')
    }
  })

  if (Number(version) < 7) return

  it('whoever is in the one room may join the other, over its server and over one’s own', async () => {
    const { alice, anna, bob, ben, meets, makes } = cast()
    const space = await meets([bob])
    const room = await makes({ initial_state: [rule('restricted', space)] })
    expect(await room.isLetIn(ben, alice)).to.equal(false)
    await room.enters(bob, alice)
    expect((await room.reads(alice, 'm.room.member', bob.userId))['join_authorised_via_users_server']).to.equal(alice.userId)
    expect(await room.isLetIn(ben, alice)).to.equal(false)
    await space.acts(alice, 'invite', ben)
    await space.is(ben, 'invite')
    await space.sees(bob, ben, 'invite')
    await space.enters(ben, alice)
    await space.sees(bob, ben, 'join')
    await room.enters(ben, bob)
    await room.sees(alice, ben, 'join')
    expect(await room.isLetIn(anna, alice)).to.equal(false)
    await talk(room, alice, ben)
  })

  it('a knock is heard and let in', async () => {
    const { alice, bob, makes } = cast()
    const room = await makes({ name: 'Quiet', initial_state: [rule('knock')] })
    await room.knocks(bob, alice, 'may I?')
    await room.is(bob, 'knock')
    const { stripped } = await bob.hears('what it is', ({ rooms }) => rooms.get(room.id))
    expect(stripped.find(({ type }) => type === 'm.room.name')?.content).to.deep.equal({ name: 'Quiet' })
    await room.told(alice, 'the knock', ({ state }) => state.get(`m.room.member ${bob.userId}`)?.content.reason === 'may I?')
    await room.acts(alice, 'invite', bob)
    await room.is(bob, 'invite')
    await room.enters(bob, alice)
    await talk(room, alice, bob)
  })

  it('a knock is refused, and the door stays shut', async () => {
    const { alice, bob, makes } = cast()
    const room = await makes({ initial_state: [rule('knock')] })
    await room.knocks(bob, alice, 'may I?')
    await room.sees(alice, bob, 'knock')
    await room.acts(alice, 'kick', bob)
    expect(await room.memberOf(alice, bob.userId)).to.equal('leave')
    expect(await room.isLetIn(bob, alice)).to.equal(false)
  })

  it('a knock is taken back', async () => {
    const { alice, bob, guest, makes } = cast()
    const room = await makes({ initial_state: [rule('knock')] })
    await room.knocks(bob, alice, 'may I?')
    await room.sees(alice, bob, 'knock')
    await room.leaves(bob)
    await room.is(bob, 'leave')
    // Synapse tells nobody that a knock was taken back.
    if (guest.kind === 'tombolo') await room.sees(alice, bob, 'leave')
  })

  it('where both ways are open, members of the one room join and others knock', async () => {
    const { alice, bob, ben, meets, makes } = cast()
    const space = await meets([bob])
    const room = await makes({ initial_state: [rule('knock_restricted', space)] })
    await room.enters(bob, alice)
    await room.knocks(ben, alice, 'I am not in the space')
    await room.sees(bob, ben, 'knock')
    await room.acts(bob, 'invite', ben)
    await room.is(ben, 'invite')
    await room.enters(ben, bob)
    await talk(room, alice, ben)
  })
})
