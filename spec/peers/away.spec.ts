import { expect } from 'chai'
import { inEachDirection } from './cast.ts'
import type { InRoom } from './rooms.ts'

/** More than goes into one transaction, and than a server asks for at once where something is missing. */
const many = Array.from({ length: 120 }, (_, n) => `said meanwhile ${n}`)

inEachDirection('the other server is away for a while', '12', (cast) => {
  let lively: InRoom
  let quiet: InRoom
  let changed: InRoom
  before(async function () {
    this.timeout(240_000)
    const { alice, bob, guest, meets } = cast()
    lively = await meets([bob])
    quiet = await meets([bob])
    changed = await meets([bob], { name: 'Before' })
    guest.cable.cut()
    for (const text of many) await lively.says(alice, text)
    await quiet.says(alice, 'one word')
    await changed.sets(alice, 'm.room.name', { name: 'After' })
    await alice.does('PUT', '/sendToDevice/org.example.note/n', { messages: { [bob.userId]: { '*': { words: 'kept' } } } })
    guest.cable.mend()
    await bob.does('PUT', `/rooms/${encodeURIComponent(quiet.id)}/send/m.room.message/here`, { msgtype: 'm.text', body: 'here again' })
  })

  it('what was said meanwhile is read, all of it, once, in its order', async () => {
    const { bob } = cast()
    await lively.hearsText(bob, many.at(-1) as string)
    const history = await bob.finds('all that was said', async () => {
      const texts = await lively.history(bob)
      return texts.length >= many.length && texts
    })
    expect(history).to.deep.equal(many)
  })

  it('one word in another room is not lost beside it', async () => {
    const { bob } = cast()
    await quiet.hearsText(bob, 'one word')
  })

  it('state that was set meanwhile is there', async () => {
    const { alice, bob } = cast()
    await changed.finds(bob, 'the name', 'm.room.name', ({ name }) => name === 'After')
    for (const room of [lively, quiet, changed]) expect(await room.stands(bob)).to.deep.equal(await room.stands(alice))
  })

  it('a message to a device that was sent meanwhile arrives', async () => {
    await cast().bob.hears('the note', ({ toDevice }) => toDevice.some(({ content }) => content.words === 'kept'))
  })
})
