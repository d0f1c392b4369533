import { expect } from 'chai'
import type { TestUser } from '../../../support/server.ts'
import { botId, eventually, invitations, openTown, type Talk, type Town, talkTo } from './town.ts'

describe('a management room', () => {
  let town: Town
  let alice: TestUser
  let talk: Talk
  before(async () => {
    town = await openTown()
    alice = await town.server.register('alice')
    const ana = await town.sandbox.person({ network: 'whatsapp', name: 'Ana', phone: '15551230001' })
    await ana.says('hello')
  })
  after(() => town?.close())

  it('greets who invites the bot, and makes the first of them the owner, who is invited to the chats there are', async () => {
    talk = await talkTo(alice)
    const [greeting] = await eventually('a greeting', async () => {
      const heard = await talk.heard()
      return heard.length > 0 && heard
    })
    expect(greeting).to.match(/You are the first to write to me, so the bridge is yours/)
    expect(greeting).to.include('This room is not encrypted')
    await eventually('an invitation', async () => (await invitations(alice)).size > 0)
  })

  it('invites the owner to new chats too', async () => {
    const before = (await invitations(alice)).size
    const ben = await town.sandbox.person({ network: 'whatsapp', name: 'Ben', phone: '15551230002' })
    await ben.says('hi')
    await eventually('another invitation', async () => {
      const { body } = await alice.get('/sync', { query: { timeout: '0' } })
      return Object.keys(body.rooms?.invite ?? {}).length > before
    })
  })

  it('answers every command with something useful', async () => {
    expect(await talk.say('help')).to.include('`hub create NAME`')
    expect(await talk.say('!list')).to.match(/WhatsApp · .+ connected[\s\S]*• Ana · [a-z2-7]{4} — in a room of its own/)
    expect(await talk.say('state')).to.match(/connected.*Nothing queued\./s)
    expect(await talk.say('lsit')).to.include('Did you mean `list`?')
    expect(await talk.say('hub')).to.include('Did you mean `hub create NAME`?')
    expect(await talk.say('open Zoe')).to.match(/no chat “Zoe”\. These there are:\n• Ana/)
    expect(await talk.say('open ana')).to.match(/^You are (?:invited to|in) the room of Ana: https/)
    expect(await talk.say('send again 1')).to.include('Write `send again` and the number')
    expect(await talk.say('templates')).to.match(
      /• `answer_ready` \(en_US\): Hello! .* · Tombolo Bikes\n[\s\S]*In the room of a chat, `!tombolo template NAME`/,
    )
    expect(await talk.say('late')).to.match(/What you write too late is kept for 3 days/)
    expect(await talk.say('!tombolo late refuse')).to.match(/is refused, and you are told/)
    expect(await talk.say('late')).to.match(/is refused/)
    expect(await talk.say('late keep')).to.match(/is kept for 3 days/)
    expect(await talk.say('late agent')).to.equal('WhatsApp has no longer time for human agents.')
    expect(await talk.say('late never')).to.include('Write `late keep`, `late refuse`')
    expect(await talk.say('cancel')).to.equal('Nothing is asked for any more.')
    expect(await talk.say('connect Ana')).to.include('There is no shared room yet')
  })

  it('shows others nothing of it, and lets them log in for themselves', async () => {
    const bob = await town.server.register('bob')
    const other = await talkTo(bob)
    await eventually('a greeting', async () => (await other.heard())[0]?.includes('connect an account of your own'))
    expect(await other.say('list')).to.equal('You have no account here. Write `login` to add one.')
    expect(await other.say('open Ana')).to.include('There is no chat yet')
    const { id, accessToken } = town.sandbox.accounts.whatsapp
    expect(await other.say('login')).to.include('Phone number ID')
    expect(await other.say('two words')).to.include('more than one word')
    expect(await other.say(id)).to.include('access token')
    const event = await other.post('EAAwrong')
    await eventually('a refusal', async () => (await other.heard()).at(-1)?.includes('Send another token'))
    const { body } = await bob.get(`/rooms/${encodeURIComponent(other.room)}/event/${encodeURIComponent(event)}`)
    expect(body.content).to.deep.equal({})
    expect(await other.say(accessToken)).to.include('connected here already, by somebody else')
  })

  it('takes no command where others listen, nor from ghosts, bots and users it does not know', async () => {
    const carol = await town.server.register('carol')
    const crowded = await talkTo(carol)
    await eventually('a greeting', async () => (await crowded.heard()).length === 1)
    await carol.post(`/rooms/${encodeURIComponent(crowded.room)}/invite`, { user_id: alice.userId })
    expect(await crowded.say('list')).to.include('only where you and I are alone')
    await town.restart({ permissions: { users: ['@alice:hs.test'], admins: [] } })
    expect(await crowded.say('list')).to.include('You may not use this bridge')
    const dave = await town.server.register('dave')
    const { body } = await dave.post('/createRoom', { invite: [botId] })
    await eventually('a refused invitation', async () => {
      const path = `/rooms/${encodeURIComponent(body.room_id)}/state/m.room.member/${encodeURIComponent(botId)}`
      return (await dave.get(path)).body.membership === 'leave'
    })
  })

  it('logs out and in again, erasing the token in the room; what is logged out stays so over a restart', async () => {
    expect(await talk.say('logout')).to.match(/^Logged out of .*token is erased/)
    await town.restart()
    expect(await talk.say('state')).to.include('logged out')
    const { id, accessToken } = town.sandbox.accounts.whatsapp
    const event = await talk.post(`login ${id} ${accessToken}`)
    await eventually('connected', async () => (await talk.heard()).at(-1)?.startsWith('Connected: WhatsApp'))
    const { body } = await alice.get(`/rooms/${encodeURIComponent(talk.room)}/event/${encodeURIComponent(event)}`)
    expect(body.content).to.deep.equal({})
    expect(await talk.say('list')).to.match(/connected[\s\S]*• Ana/)
    expect(town.log()).not.to.include(accessToken)
  })
})
