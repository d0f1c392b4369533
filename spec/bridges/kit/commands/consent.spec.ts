import { expect } from 'chai'
import type { ScriptedPerson } from '../../../../bridges/sandbox/people.ts'
import type { TestUser } from '../../../support/server.ts'
import { botId, eventually, invitations, openTown, type Talk, type Town, talkTo } from './town.ts'

describe('a shared room that people are asked into', () => {
  let town: Town
  let alice: TestUser
  let talk: Talk
  let ana: ScriptedPerson
  let other: ScriptedPerson
  let hub: string
  before(async () => {
    town = await openTown({ owner: '@alice:hs.test' })
    alice = await town.server.register('alice')
    talk = await talkTo(alice)
    await eventually('a greeting', async () => (await talk.heard()).length > 0)
    ana = await town.sandbox.person({ network: 'whatsapp', name: 'Ana', phone: '15551230001' })
    other = await town.sandbox.person({ network: 'whatsapp', name: 'Ana', phone: '15551230002' })
    await ana.says('hello')
    await other.says('hello from me')
    await eventually('two chats', async () => (await invitations(alice)).size >= 1 && (await talk.say('list')).split('• Ana').length === 3)
  })
  after(() => town?.close())

  const lastOf = async (person: ScriptedPerson) => (await person.sees()).filter(({ from }) => from !== 'me').at(-1)?.text ?? ''
  const membersOf = async (room: string) => {
    const { body } = await alice.get(`/rooms/${encodeURIComponent(room)}/members`, { query: { membership: 'join' } })
    return (body.chunk as { state_key: string; content: { displayname?: string } }[]).map(({ content }) => content.displayname)
  }
  const marks = async () => [...(await talk.say('list')).matchAll(/• Ana · ([a-z2-7]{4})/g)].map(([, mark]) => mark!)

  const joined = async () => (await talk.heard()).filter((words) => words.includes('has joined')).length

  it('is made once, with its maker in it', async () => {
    expect(await talk.say('hub create Bike sale')).to.match(/^“Bike sale” is made/)
    expect(await talk.say('hub create bike SALE')).to.include('There is a shared room “bike SALE” already')
    hub = (await invitations(alice)).get('Bike sale') ?? ''
    expect((await alice.post(`/rooms/${encodeURIComponent(hub)}/join`)).status).to.equal(200)
  })

  it('is told to a person first, and takes nothing of theirs before they say yes', async () => {
    expect(await talk.say('connect Ana Bike sale')).to.match(/^More than one chat fits/)
    const [mark] = await marks()
    expect(await talk.say(`connect ${mark} bike sale`)).to.include('Nothing is carried before they say yes')
    expect(await talk.say(`connect ${mark} bike sale`)).to.include('has not answered yet')
    await eventually('the question', async () => (await lastOf(ana)).includes('Reply YES to join or STOP'))
    await ana.says('what is this?')
    await town.sandbox.control.settle({ network: 'whatsapp' })
    expect(await talk.say('list')).to.include('asked into “Bike sale”')
    expect(await membersOf(hub)).to.have.length(2)
  })

  it('has them with yes, under their name; two of one name are told apart', async () => {
    await ana.says('Yes!')
    await eventually('the welcome', async () => (await lastOf(ana)).includes('You are in the shared conversation “Bike sale”, as Ana.'))
    await eventually('the news of it', async () => (await joined()) === 1)
    const [, second] = await marks()
    await talk.say(`connect ${second} Bike sale`)
    await eventually('the question', async () => (await lastOf(other)).includes('YES'))
    await other.says('sí')
    await eventually('the welcome', async () => (await lastOf(other)).includes('as Ana 2.'))
    await eventually('the news of it', async () => (await joined()) === 2)
    await eventually('both names', async () => {
      const names = await membersOf(hub)
      return names.includes('Ana (WhatsApp)') && names.includes('Ana 2 (WhatsApp)')
    })
    await other.says('I want the bike')
    await eventually('the message', async () => (await lastOf(ana)) === 'Ana 2 (WhatsApp): I want the bike')
  })

  it('calls them as they choose, never by a number', async () => {
    await other.says('NAME +1 555 123 0002')
    await eventually('a refusal', async () => (await lastOf(other)).startsWith('That name cannot be used'))
    await other.says('name Zoë')
    await eventually('a new name', async () => (await lastOf(other)) === 'In “Bike sale” you are called Zoë now.')
    await other.says('still here')
    await eventually('the message', async () => (await lastOf(ana)) === 'Zoë (WhatsApp): still here')
    await eventually('the name in the room', async () => (await membersOf(hub)).includes('Zoë (WhatsApp)'))
  })

  it('tells its owner when somebody reports it', async () => {
    await other.says('REPORT')
    await eventually('thanks', async () => (await lastOf(other)).startsWith('Thank you.'))
    await eventually('a report', async () =>
      (await talk.heard()).some((line) => /^Ana reports the shared conversation “Bike sale”/.test(line)),
    )
  })

  it('lets them go at once with a word, whatever the language, and does not ask them again', async () => {
    await ana.says('Parar.')
    await eventually('the goodbye', async () => (await lastOf(ana)).startsWith('You are not in “Bike sale”'))
    await eventually('the news of it', async () => (await talk.heard()).some((words) => words.includes('wrote STOP')))
    const goodbye = await ana.sees()
    await other.says('nobody hears this')
    await eventually('one ghost left', async () => (await membersOf(hub)).length === 3)
    await town.sandbox.control.settle({ network: 'whatsapp' })
    expect(await ana.sees()).to.have.length(goodbye.length)
    const [mark] = await marks()
    expect(await talk.say(`connect ${mark} Bike sale`)).to.include('is not asked again')
    await ana.says('START')
    await eventually('back', async () => (await lastOf(ana)).includes('as Ana.'))
    await eventually('the news of it', async () => (await joined()) === 3)
  })

  it('may be one that somebody else has made, found by its alias, when user and bot are in it', async () => {
    const made = await alice.post('/createRoom', { preset: 'private_chat', room_alias_name: 'club', name: 'Bike club' })
    const [, second] = await marks()
    expect(await talk.say(`connect ${second} Bike sale`)).to.include('is in “Bike sale” already')
    await talk.say(`disconnect ${second}`)
    expect(await talk.say(`connect ${second} #nowhere:hs.test`)).to.include('There is no room #nowhere:hs.test')
    const path = `/rooms/${encodeURIComponent(made.body.room_id)}`
    expect(await talk.say(`connect ${second} #club:hs.test`)).to.include('Invite me to #club:hs.test first')
    await alice.post(`${path}/invite`, { user_id: botId })
    expect(await talk.say(`connect ${second} #club:hs.test`)).to.include('asked whether to join “Bike club”')
    await eventually('the question', async () => (await lastOf(other)).includes('“Bike club”'))
    await other.says('yes')
    await eventually('the welcome', async () => (await lastOf(other)).includes('You are in the shared conversation “Bike club”'))
    await alice.put(`${path}/send/m.room.message/1`, { msgtype: 'm.text', body: 'list' })
    await eventually('a word about it', async () => {
      const { body } = await alice.get(`${path}/messages`, { query: { dir: 'b', limit: '20' } })
      return (body.chunk as { type: string; sender: string }[]).some(
        ({ type, sender }) => type === 'org.tombolo.delivery' && sender === botId,
      )
    })
  })

  it('is left when the owner takes a chat out', async () => {
    const [mark] = await marks()
    expect(await talk.say(`disconnect ${mark}`)).to.include('out of the shared room')
    await eventually('told', async () => (await lastOf(ana)).includes('has ended for you'))
    expect(await talk.say(`disconnect ${mark}`)).to.include('is in no shared room')
    await eventually('gone', async () => !(await membersOf(hub)).includes('Ana (WhatsApp)'))
  })
})
