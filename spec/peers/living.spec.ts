import { expect } from 'chai'
import { inEachDirection, inEachVersion } from './cast.ts'
import { inRoom } from './rooms.ts'

const visibility = (history_visibility: string) => ({ type: 'm.room.history_visibility', state_key: '', content: { history_visibility } })

inEachVersion('living together', (cast, version) => {
  it('power is given over the border, and used there', async () => {
    const { alice, anna, bob, meets } = cast()
    const room = await meets([bob, anna], { name: 'Walk' })
    expect((await bob.asks('PUT', `/rooms/${encodeURIComponent(room.id)}/state/m.room.name`, { name: 'not yet' })).status).to.equal(403)
    await room.empowers(alice, bob, 50)
    await room.finds(bob, 'the power', 'm.room.power_levels', ({ users }) => users[bob.userId] === 50)
    await room.sets(bob, 'm.room.name', { name: 'Bob was here' })
    await room.told(alice, 'the name', ({ state }) => state.get('m.room.name ')?.content.name === 'Bob was here')
    await room.acts(bob, 'kick', anna)
    await room.is(anna, 'leave')
    expect(await room.stands(alice)).to.deep.equal(await room.stands(bob))
  })

  it('a ban keeps out until it is lifted, whichever side speaks it', async () => {
    const { alice, anna, bob, meets } = cast()
    const room = await meets([bob, anna], { preset: 'public_chat' })
    await room.acts(alice, 'ban', bob)
    await room.is(bob, 'leave')
    expect(await room.memberOf(alice, bob.userId)).to.equal('ban')
    expect(await room.isLetIn(bob, alice)).to.equal(false)
    await room.acts(alice, 'unban', bob)
    await room.enters(bob, alice)
    await room.sees(alice, bob, 'join')
    await room.empowers(alice, bob, 60)
    await room.finds(bob, 'the power', 'm.room.power_levels', ({ users }) => users[bob.userId] === 60)
    await room.acts(bob, 'ban', anna)
    await room.is(anna, 'leave')
    expect(await room.isLetIn(anna, alice)).to.equal(false)
    expect(await room.stands(alice)).to.deep.equal(await room.stands(bob))
  })

  it('what somebody takes back is taken back on the other server', async () => {
    const { alice, anna, bob, meets } = cast()
    const room = await meets([bob, anna])
    const said = await Promise.all([room.says(alice, 'of Alice'), room.says(anna, 'of Anna'), room.says(bob, 'of Bob')])
    for (const person of [alice, bob]) for (const text of ['of Alice', 'of Anna', 'of Bob']) await room.hearsText(person, text)
    const [ofAlice, ofAnna, ofBob] = said
    await room.empowers(alice, bob, 50)
    await room.finds(bob, 'the power', 'm.room.power_levels', ({ users }) => users[bob.userId] === 50)
    const redactions = [
      await room.redacts(alice, ofAlice, 'mine'),
      await room.redacts(bob, ofAnna, 'off'),
      await room.redacts(bob, ofBob, 'mine'),
    ]
    for (const person of [alice, bob]) {
      for (const [at, event] of said.entries()) {
        const redacted = await person.finds(`${event} redacted`, async () => {
          const one = await room.event(person, event)
          return one.unsigned?.redacted_because && one
        })
        expect(redacted.content).to.deep.equal({})
        expect(redacted.unsigned.redacted_because.event_id).to.equal(redactions[at])
      }
    }
    const { redacts, content } = await room.event(bob, redactions[0] as string)
    expect(redacts ?? content.redacts).to.equal(ofAlice)
  })

  it('what was said before is read by who comes later, from the first word on', async () => {
    const { alice, bob, makes } = cast()
    const room = await makes({ preset: 'public_chat' })
    const texts = Array.from({ length: 25 }, (_, n) => `word ${n}`)
    for (const text of texts) await room.says(alice, text)
    await room.enters(bob, alice)
    await room.says(bob, 'what did I miss?')
    await room.hearsText(alice, 'what did I miss?')
    const whole = [...texts, 'what did I miss?']
    expect(await room.history(alice)).to.deep.equal(whole)
    expect(await bob.finds('all of it', async () => (await room.history(bob)).length === whole.length && room.history(bob))).to.deep.equal(
      whole,
    )
  })

  it('nobody reads what was said before them where only members may', async () => {
    const { alice, bob, ben, makes } = cast()
    const closed = await makes({ preset: 'public_chat', initial_state: [visibility('joined')] })
    const early = await closed.says(alice, 'before Bob')
    await closed.enters(bob, alice)
    await closed.sees(alice, bob, 'join')
    await closed.says(alice, 'between')
    await closed.hearsText(bob, 'between')
    await closed.enters(ben, bob)
    await closed.sees(alice, ben, 'join')
    await closed.says(alice, 'for all')
    for (const [person, texts] of [
      [bob, ['between', 'for all']],
      [ben, ['for all']],
    ] as const) {
      await closed.hearsText(person, 'for all')
      expect(await closed.history(person)).to.deep.equal(texts)
    }
    const path = `/rooms/${encodeURIComponent(closed.id)}/event/${encodeURIComponent(early)}`
    expect((await bob.asks('GET', path)).status).to.be.oneOf([403, 404])
  })

  it('a room moves to another version, and all find it, whichever side moves it', async () => {
    const { alice, bob, meets } = cast()
    const newVersion = version === '12' ? '11' : '12'
    for (const [mover, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const old = await meets([bob], {
        preset: 'public_chat',
        name: 'Walk',
        power_level_content_override: { users: powers(version, alice.userId, bob.userId) },
      })
      const { replacement_room } = await mover.does('POST', `/rooms/${encodeURIComponent(old.id)}/upgrade`, { new_version: newVersion })
      await old.told(other, 'the tombstone', ({ state }) => state.get('m.room.tombstone ')?.content.replacement_room === replacement_room)
      const made = inRoom(replacement_room)
      await made.enters(other, mover)
      const created = await made.reads(other, 'm.room.create')
      expect(created).to.include({ room_version: newVersion })
      expect(created['predecessor']).to.include({ room_id: old.id })
      expect(await made.reads(other, 'm.room.name')).to.deep.equal({ name: 'Walk' })
      await made.says(other, 'here too')
      await made.hearsText(mover, 'here too')
      expect(await made.stands(alice)).to.deep.equal(await made.stands(bob))
    }
  })
})

inEachDirection('a server that is shut out', '12', (cast) => {
  it('is not heard in that room, and is in others', async () => {
    const { alice, bob, guest, meets } = cast()
    const room = await meets([bob])
    await room.sets(alice, 'm.room.server_acl', { allow: ['*'], deny: [guest.serverName.replace(/:\d+$/, '')], allow_ip_literals: true })
    await room.finds(bob, 'the list', 'm.room.server_acl', ({ deny }) => deny.length === 1)
    await room.says(bob, 'am I heard?')
    const open = await meets([bob])
    await open.says(bob, 'here I am')
    await open.hearsText(alice, 'here I am')
    expect(await room.history(alice)).not.to.include('am I heard?')
  })
})

/** Enough to put up a tombstone; in version 12 who made the room stands above all numbers. */
function powers(version: string, alice: string, bob: string): Record<string, number> {
  return version === '12' ? { [bob]: 150 } : { [alice]: 100, [bob]: 100 }
}
