import { expect } from 'chai'
import sharp from 'sharp'
import { type Cast, inEachDirection } from './cast.ts'
import { inRoom } from './rooms.ts'

const encoded = encodeURIComponent
const nameOf = ({ alice }: Cast) => alice.userId.slice(1).split(':')[0] ?? ''

inEachDirection('what is not in rooms', '12', (cast) => {
  it('a message to a device arrives at that device, one to all devices at each', async () => {
    const { alice, bob } = cast()
    const send = (device: string, words: string) =>
      alice.does('PUT', `/sendToDevice/org.example.note/${words}`, { messages: { [bob.userId]: { [device]: { words } } } })
    for (const [device, words] of [
      [bob.deviceId, 'to one'],
      ['*', 'to all'],
    ] as const) {
      await send(device, words)
      const heard = await bob.hears(words, ({ toDevice }) => toDevice.find(({ content }) => content.words === words))
      expect(heard).to.deep.equal({ type: 'org.example.note', sender: alice.userId, content: { words } })
    }
    const answered = await bob.asks('PUT', '/sendToDevice/org.example.note/back', {
      messages: { [alice.userId]: { '*': { words: 'back' } } },
    })
    expect(answered.status).to.equal(200)
    await alice.hears('the answer', ({ toDevice }) => toDevice.some(({ content }) => content.words === 'back'))
  })

  it('files and their small pictures are had over the border, both ways', async () => {
    const { alice, bob } = cast()
    const picture = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#3a7' } })
      .png()
      .toBuffer()
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const text = Buffer.from('a letter over the border')
      const letter = (await from.uploads(text, 'text/plain', 'brief an café.txt')).slice('mxc://'.length)
      const read = await to.downloads(`download/${letter}`)
      expect({ status: read.status, bytes: read.bytes.toString() }).to.deep.equal({ status: 200, bytes: text.toString() })
      expect(read.headers.get('content-type')).to.match(/^text\/plain/)
      // Dendrite writes a space as in a query.
      expect(read.headers.get('content-disposition')?.replaceAll(/%2b|\+/gi, '%20')).to.match(
        /^inline; filename\*=utf-8''brief%20an%20caf%C3%A9\.txt$/i,
      )
      const shown = (await from.uploads(picture, 'image/png', 'green.png')).slice('mxc://'.length)
      expect((await to.downloads(`download/${shown}`)).bytes.equals(picture)).to.equal(true)
      const small = await to.downloads(`thumbnail/${shown}?width=64&height=64&method=scale`)
      expect(small.status).to.equal(200)
      expect((await sharp(small.bytes).metadata()).width).to.be.within(32, 400)
      expect((await to.downloads(`download/${from.home.serverName}/nothing`)).status).to.equal(404)
    }
  })

  it('a room is found by its alias and in the other server’s list, and no more when it was taken out', async () => {
    const { alice, bob, host, makes } = cast()
    const room_alias_name = `garden-${nameOf(cast())}`
    const room = await makes({ preset: 'public_chat', visibility: 'public', name: 'Garden', topic: 'what grows', room_alias_name })
    const alias = `#${room_alias_name}:${host.serverName}`
    const found = await bob.does('GET', `/directory/room/${encoded(alias)}`)
    expect(found.room_id).to.equal(room.id)
    expect(found.servers).to.include(host.serverName)
    const list = `/publicRooms?server=${encoded(host.serverName)}`
    const listed = (await bob.does('GET', `${list}&limit=500`)).chunk.find(({ room_id }: { room_id: string }) => room_id === room.id)
    expect(listed).to.include({ name: 'Garden', topic: 'what grows', canonical_alias: alias, num_joined_members: 1 })
    // Dendrite does not say how a room is entered: all that it lists are public.
    expect(listed.join_rule ?? 'public').to.equal('public')
    const search = { filter: { generic_search_term: 'what grows' } }
    const searched = await bob.does('POST', list, search)
    expect(searched.chunk.map(({ room_id }: { room_id: string }) => room_id)).to.include(room.id)
    await alice.does('PUT', `/directory/list/room/${encoded(room.id)}`, { visibility: 'private' })
    await alice.does('DELETE', `/directory/room/${encoded(alias)}`)
    expect((await bob.does('POST', list, search)).chunk.map(({ room_id }: { room_id: string }) => room_id)).not.to.include(room.id)
    // Dendrite does not tell its users apart what it could not ask from what is not there.
    expect((await bob.asks('GET', `/directory/room/${encoded(alias)}`)).status).to.equal(bob.home.kind === 'dendrite' ? 500 : 404)
  })

  it('a space shows rooms of both servers, and hides what may not be seen', async () => {
    const { alice, bob, host, guest, meets, makes } = cast()
    const space = await meets([bob], {
      name: 'Town',
      creation_content: { type: 'm.space' },
      power_level_content_override: { state_default: 0 },
    })
    const open = await makes({ preset: 'public_chat', name: 'Market' })
    const closed = await makes({ name: 'Cellar' })
    const theirs = inRoom((await bob.does('POST', '/createRoom', { preset: 'public_chat', name: 'Harbour' })).room_id)
    for (const { id } of [open, closed]) await space.sets(alice, 'm.space.child', { via: [host.serverName] }, id)
    await space.sets(bob, 'm.space.child', { via: [guest.serverName], suggested: true }, theirs.id)
    const names = async (person: Cast['alice'], query = '') => {
      const { rooms } = await person.does('GET', `/_matrix/client/v1/rooms/${encoded(space.id)}/hierarchy${query}`)
      return rooms.map(({ name }: { name: string }) => name).sort()
    }
    await alice.finds('the room of Bob', async () => (await names(alice)).length === 4)
    expect(await names(alice)).to.deep.equal(['Cellar', 'Harbour', 'Market', 'Town'])
    expect(await bob.finds('the rooms', async () => (await names(bob)).length === 3 && names(bob))).to.deep.equal([
      'Harbour',
      'Market',
      'Town',
    ])
    expect(await names(alice, '?suggested_only=true')).to.deep.equal(['Harbour', 'Town'])
    await open.enters(bob, alice)
    await open.sees(alice, bob, 'join')
  })

  it('somebody outside a space walks it over the server that has it', async () => {
    const { alice, ben, host, makes } = cast()
    const name = `square-${nameOf(cast())}`
    const space = await makes({ preset: 'public_chat', name: 'Square', creation_content: { type: 'm.space' }, room_alias_name: name })
    const inner = await makes({ preset: 'public_chat', name: 'Fountain' })
    await space.sets(alice, 'm.space.child', { via: [host.serverName] }, inner.id)
    const summary = await ben.does(
      'GET',
      `/_matrix/client/v1/room_summary/${encoded(`#${name}:${host.serverName}`)}?via=${host.serverName}`,
    )
    expect(summary).to.include({ room_id: space.id, name: 'Square', room_type: 'm.space', num_joined_members: 1 })
    await space.enters(ben, alice)
    const { rooms } = await ben.does('GET', `/_matrix/client/v1/rooms/${encoded(space.id)}/hierarchy`)
    expect(rooms.map((room: { name: string }) => room.name)).to.deep.equal(['Square', 'Fountain'])
  })

  it('names, pictures, receipts, typing and presence are told', async () => {
    const { alice, bob, meets } = cast()
    const room = await meets([bob])
    await alice.does('PUT', `/profile/${alice.userId}/displayname`, { displayname: 'Alice from afar' })
    await room.told(bob, 'the name', ({ state }) => state.get(`m.room.member ${alice.userId}`)?.content.displayname === 'Alice from afar')
    const profile = await bob.finds('the profile', async () => {
      const { body } = await bob.asks('GET', `/profile/${encoded(alice.userId)}`)
      return body.displayname === 'Alice from afar' && body
    })
    expect(profile).to.include({ displayname: 'Alice from afar' })
    const at = `/rooms/${encoded(room.id)}`
    for (const [one, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const said = await room.says(one, `read this, ${other.userId}`)
      await room.hearsText(other, `read this, ${other.userId}`)
      await other.does('POST', `${at}/receipt/m.read/${encoded(said)}`)
      await one.hears('the receipt', ({ passing }) => passing.get(`${room.id} m.receipt`)?.[said]?.['m.read']?.[other.userId])
      await other.does('PUT', `${at}/typing/${other.userId}`, { typing: true, timeout: 20_000 })
      await one.hears('the typing', ({ passing }) => passing.get(`${room.id} m.typing`)?.user_ids.includes(other.userId))
      await other.does('PUT', `/presence/${other.userId}/status`, { presence: 'online', status_msg: 'at sea' })
      await one.hears('the presence', ({ presence }) => presence.get(other.userId)?.status_msg === 'at sea')
    }
  })

  it('who shares no room any more is named so', async () => {
    const { anna, ben, meets } = cast()
    const room = await meets([anna, ben])
    await anna.hears('a new neighbour', ({ changed }) => changed.has(ben.userId))
    await room.leaves(ben)
    await anna.hears('that nothing is shared', ({ left }) => left.has(ben.userId))
  })
})
