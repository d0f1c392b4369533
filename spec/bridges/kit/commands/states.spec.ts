import { expect } from 'chai'
import type { ScriptedPerson } from '../../../../bridges/sandbox/people.ts'
import type { TestUser } from '../../../support/server.ts'
import { eventually, openTown, type Talk, type Town, talkTo } from './town.ts'

describe('the state of an account', () => {
  let town: Town
  let alice: TestUser
  let talk: Talk
  let ana: ScriptedPerson
  before(async () => {
    town = await openTown({ owner: '@alice:hs.test', hub: { alias: '#hub:hs.test', name: 'Shop', invite: ['@alice:hs.test'] } })
    alice = await town.server.register('alice')
    talk = await talkTo(alice)
    await eventually('a greeting', async () => (await talk.heard()).length > 0)
    for (const name of ['Ana', 'Ben']) {
      const person = await town.sandbox.person({ network: 'whatsapp', name, phone: `1555123000${name.length}${name.charCodeAt(0)}` })
      if (name === 'Ana') ana = person
      await person.says('hello')
      await eventually(`the chat of ${name}`, async () => (await talk.say('list')).includes(`• ${name}`))
    }
    await eventually('Ben’s greeting with Ana', async () => (await ana.sees()).some(({ from }) => from !== 'me'))
  })
  after(() => town?.close())

  const health = async () =>
    (await fetch(`${town.bridge().url}/health`)).json() as Promise<Record<string, never> & { logins: { state: string }[] }>
  const benSays = async (text: string) => {
    const ben = await town.sandbox.person({ network: 'whatsapp', name: 'Ben', phone: `15551230003${'B'.charCodeAt(0)}` })
    await ben.says(text)
  }

  it('is told to whoever asks the process, without names, numbers and tokens', async () => {
    const answer = JSON.stringify(await health())
    expect(await health()).to.include({ network: 'whatsapp', state: 'running', ok: true, queued: 0, unknown: 0 })
    const { id, accessToken, appSecret } = town.sandbox.accounts.whatsapp
    for (const secret of [id, accessToken, appSecret, '1555123', 'Ana']) expect(answer).not.to.include(secret)
  })

  it('is bad credentials when the token has expired: what to do is told, and sends wait instead of failing', async () => {
    await town.sandbox.control.setToken({ network: 'whatsapp', expired: true })
    await benSays('first')
    await benSays('second')
    await eventually('bad credentials', async () => (await health()).logins[0]?.state === 'bad_credentials')
    await eventually('a notice', async () => (await talk.heard()).find((line) => /token is no longer accepted.*Write `login`/.test(line)))
    await eventually('two wait', async () => Number((await health())['queued']) === 2)
    expect(await talk.say('state')).to.include('2 queued')
    expect(await talk.say('list')).to.match(/• Ana · \w{4} — in “Shop”, 2 queued/)
    expect(await health()).to.include({ ok: false, queued: 2 })
    expect(JSON.stringify(await ana.sees())).not.to.include('first')
  })

  it('stays so over a restart', async () => {
    await town.restart()
    await eventually('bad credentials', async () => (await health()).logins[0]?.state === 'bad_credentials')
    expect(JSON.stringify(await ana.sees())).not.to.include('first')
  })

  it('is connected again with a token that works, and everything that waited goes out once, in order', async () => {
    await town.sandbox.control.setToken({ network: 'whatsapp', expired: false })
    const { id, accessToken } = town.sandbox.accounts.whatsapp
    await talk.post(`login ${id} ${accessToken}`)
    await eventually('what waited', async () => (await ana.sees()).some(({ text }) => text.includes('second')))
    const carried = (await ana.sees()).filter(({ text }) => /first|second/.test(text)).map(({ text }) => text)
    expect(carried).to.deep.equal(['Ben (WhatsApp): first', 'Ben (WhatsApp): second'])
    expect(await health()).to.include({ ok: true, queued: 0 })
  })

  it('waits while the network limits the account, and goes on by itself', async () => {
    const error = { status: 429, code: 130429, message: 'Rate limit hit' }
    await town.sandbox.control.setFault({ network: 'whatsapp', kind: 'error', times: 1, error })
    await benSays('third')
    await eventually('backing off', async () => (await health()).logins[0]?.state === 'backing_off')
    expect(await talk.say('state')).to.match(/waits before it tries again \(until .* UTC\)/)
  })
})
