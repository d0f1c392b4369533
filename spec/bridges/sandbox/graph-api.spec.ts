import { expect } from 'chai'
import { createGraphClient, type GraphClient, type GraphRequest, type GraphResult } from '../../../bridges/protocols/graph/graph-client.ts'
import {
  buildWhatsappAccount,
  buildWhatsappReaction,
  buildWhatsappRead,
  buildWhatsappText,
  readWhatsappAccount,
  readWhatsappSent,
} from '../../../bridges/protocols/graph/whatsapp.ts'
import {
  buildInstagramAccount,
  buildInstagramProfile,
  buildInstagramText,
  readInstagramProfile,
} from '../../../bridges/protocols/messaging/instagram.ts'
import { buildReaction, buildSenderAction, readMessagingSent } from '../../../bridges/protocols/messaging/messaging.ts'
import {
  buildMessengerProfile,
  buildMessengerText,
  buildPage,
  buildPersona,
  readMessengerProfile,
} from '../../../bridges/protocols/messaging/messenger.ts'
import type { Network } from '../../../bridges/sandbox/accounts.ts'
import { createClock } from '../../../bridges/sandbox/clock.ts'
import type { FaultKind } from '../../../bridges/sandbox/faults.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'

const hour = 3_600_000

describe('the sandbox as Graph API', () => {
  let sandbox: Sandbox
  const clients = new Map<string, GraphClient>()
  const person = new Map<Network, ScriptedPerson>()

  beforeEach(async () => {
    sandbox = await startSandbox({ clock: createClock(1_770_000_000_000) })
    for (const network of ['whatsapp', 'messenger', 'instagram'] as const) {
      clients.set(network, createGraphClient({ baseUrl: sandbox.url, accessToken: sandbox.accounts[network].accessToken }))
      person.set(network, await sandbox.person({ network, name: 'Ana Bell', ...(network === 'whatsapp' ? { phone: '15551234567' } : {}) }))
    }
  })

  afterEach(async () => {
    for (const client of clients.values()) await client.close()
    await sandbox.close()
  })

  const call = (network: Network, request: GraphRequest) => clients.get(network)!.call(request)
  const textFor = (network: Network, text: string): GraphRequest => {
    const { id } = sandbox.accounts[network]
    const to = person.get(network)!.info.id
    if (network === 'whatsapp') return buildWhatsappText(id, { to: { phone: to }, text })
    return network === 'messenger' ? buildMessengerText(id, { to, text }) : buildInstagramText(id, { to, text })
  }
  const send = (network: Network, text: string) => call(network, textFor(network, text))
  const texts = async (network: Network) => (await person.get(network)!.sees()).map(({ text }) => text)

  for (const network of ['whatsapp', 'messenger', 'instagram'] as const) {
    it(`carries a text to a person of ${network} who wrote before, once for each call`, async () => {
      await person.get(network)!.says('hello?')
      const sent = await send(network, 'Grüße 👋')
      expect(sent.kind).to.equal('done')
      const id = (network === 'whatsapp' ? readWhatsappSent : readMessagingSent)(bodyOf(sent))?.id
      expect(id).to.match(network === 'whatsapp' ? /^wamid\./ : /^m_/)
      await send(network, 'Grüße 👋')
      const seen = await person.get(network)!.sees()
      expect(seen.map(({ from, text }) => [from, text])).to.deep.equal([
        ['me', 'hello?'],
        ['Tombolo Bikes', 'Grüße 👋'],
        ['Tombolo Bikes', 'Grüße 👋'],
      ])
      expect(seen[1]).to.include({ id, at: 1_770_000_000_000 })
    })

    it(`closes the window of ${network} after 24 hours and opens it with the next message`, async () => {
      await person.get(network)!.says('hello?')
      await sandbox.control.advance({ ms: 24 * hour })
      expect(await send(network, 'still in time')).to.have.property('kind', 'done')
      await sandbox.control.advance({ ms: 1 })
      expect(await send(network, 'late')).to.include({ kind: 'refused', class: 'window_closed' })
      await person.get(network)!.says('again')
      expect(await send(network, 'open')).to.have.property('kind', 'done')
      expect(await texts(network)).to.deep.equal(['hello?', 'still in time', 'again', 'open'])
    })

    it(`refuses a wrong, an expired and another network's token on ${network}`, async () => {
      const stranger = createGraphClient({ baseUrl: sandbox.url, accessToken: 'EAAwrong' })
      expect(await stranger.call(textFor(network, 'x'))).to.include({ kind: 'refused', class: 'credentials', code: 190, status: 401 })
      await stranger.close()
      await sandbox.control.setToken({ network, expired: true })
      expect(await send(network, 'x')).to.include({ code: 190, subcode: 463, class: 'credentials' })
      await sandbox.control.setToken({ network, expired: false })
      const other = network === 'whatsapp' ? 'messenger' : 'whatsapp'
      expect(await call(other, textFor(network, 'x'))).to.include({ kind: 'refused', code: 100, subcode: 33 })
    })

    const limit = { whatsapp: 4096, messenger: 2000, instagram: 1000 }[network]
    it(`takes ${limit} characters on ${network} and not one more`, async () => {
      await person.get(network)!.says('hello?')
      expect(await send(network, 'x'.repeat(limit))).to.have.property('kind', 'done')
      const long = JSON.parse(JSON.stringify(textFor(network, 'MARK')).replace('MARK', 'x'.repeat(limit + 1))) as GraphRequest
      expect(await call(network, long)).to.include({ kind: 'refused', class: 'parameter', code: 100 })
    })
  }

  it('cannot write to whoever never wrote: the window is closed on WhatsApp, the id unknown elsewhere', async () => {
    expect(await send('whatsapp', 'x')).to.include({ class: 'window_closed', code: 131047 })
    expect(await send('messenger', 'x')).to.include({ class: 'recipient_unreachable', code: 100, subcode: 2018001 })
    expect(await send('instagram', 'x')).to.include({ class: 'recipient_unreachable' })
    const nobody = buildWhatsappText(sandbox.accounts.whatsapp.id, { to: { phone: '15550000000' }, text: 'x' })
    expect(await call('whatsapp', nobody)).to.include({ class: 'recipient_unreachable', code: 131026 })
  })

  it('stretches the window to seven days for a human agent', async () => {
    await person.get('messenger')!.says('hello?')
    await sandbox.control.advance({ ms: 6 * 24 * hour })
    const request = buildMessengerText(sandbox.accounts.messenger.id, { to: person.get('messenger')!.info.id, text: 'x', humanAgent: true })
    expect(await call('messenger', request)).to.have.property('kind', 'done')
    await sandbox.control.advance({ ms: 25 * hour })
    expect(await call('messenger', request)).to.include({ class: 'window_closed', code: 10, subcode: 2018278 })
  })

  it('limits the rate to one person of WhatsApp and lets it recover', async () => {
    await person.get('whatsapp')!.says('hello?')
    const results: GraphResult[] = []
    for (let count = 0; count < 46; count++) results.push(await send('whatsapp', `${count}`))
    expect(results.slice(0, 45).every(({ kind }) => kind === 'done')).to.equal(true)
    expect(results[45]).to.include({ kind: 'retry', class: 'pair_rate', code: 131056, retryAfterMs: 6_000 })
    await sandbox.control.advance({ ms: 6_000 })
    expect(await send('whatsapp', 'slowly')).to.have.property('kind', 'done')
  })

  it('reaches a person who hides their number by their user id', async () => {
    const hidden = await sandbox.person({ network: 'whatsapp', name: 'Cy', hidesNumber: true })
    await hidden.says('hello?')
    const request = buildWhatsappText(sandbox.accounts.whatsapp.id, { to: { userId: hidden.info.userId! }, text: 'x' })
    const sent = await call('whatsapp', request)
    expect(readWhatsappSent(bodyOf(sent)))
      .to.deep.include({ userId: hidden.info.userId })
      .and.not.have.property('phone')
    expect((await hidden.sees()).map(({ text }) => text)).to.deep.equal(['hello?', 'x'])
  })

  it('shows read marks, typing, reactions and personas on the phone', async () => {
    const { id } = sandbox.accounts.whatsapp
    const asked = await person.get('whatsapp')!.says('hello?')
    await call('whatsapp', buildWhatsappRead(id, asked, true))
    await call('whatsapp', buildWhatsappReaction(id, { phone: '15551234567' }, asked, '🎉'))
    expect(await person.get('whatsapp')!.view()).to.deep.include({ typing: true })
    expect((await person.get('whatsapp')!.sees())[0]).to.deep.include({ seen: true, reactions: [{ from: 'Tombolo Bikes', emoji: '🎉' }] })

    const page = sandbox.accounts.messenger.id
    const to = person.get('messenger')!.info.id
    const mid = await person.get('messenger')!.says('hello?')
    const persona = await call('messenger', buildPersona(page, 'Bob', 'https://example.org/bob.png'))
    await call('messenger', buildSenderAction(page, to, 'mark_seen'))
    await call('messenger', buildReaction(page, to, mid, 'love'))
    await call('messenger', buildMessengerText(page, { to, text: 'I am Bob', persona: String(bodyOf(persona)['id']) }))
    const seen = await person.get('messenger')!.sees()
    expect(seen[0]).to.deep.include({ seen: true, reactions: [{ from: 'Tombolo Bikes', emoji: 'love' }] })
    expect(seen[1]).to.include({ from: 'Bob from Tombolo Bikes', text: 'I am Bob' })
  })

  it('tells accounts and profiles to who may see them, profiles only after the person wrote', async () => {
    expect(readWhatsappAccount(bodyOf(await call('whatsapp', buildWhatsappAccount(sandbox.accounts.whatsapp.id))))).to.deep.equal({
      id: sandbox.accounts.whatsapp.id,
      name: 'Tombolo Bikes',
      phone: sandbox.accounts.whatsapp.phone,
    })
    expect(await call('messenger', buildPage('me'))).to.deep.equal({
      kind: 'done',
      body: { id: sandbox.accounts.messenger.id, name: 'Tombolo Bikes' },
    })
    expect(await call('instagram', buildInstagramAccount('me'))).to.have.nested.property('body.username', 'tombolo.bikes')
    const ana = person.get('messenger')!.info.id
    expect(await call('messenger', buildMessengerProfile(ana))).to.include({ kind: 'refused', code: 100 })
    await person.get('messenger')!.says('hi')
    await person.get('instagram')!.says('hi')
    const page = bodyOf(await call('messenger', buildMessengerProfile(ana)))
    expect(readMessengerProfile(page)).to.deep.equal({ id: ana, name: 'Ana Bell' })
    const instagram = bodyOf(await call('instagram', buildInstagramProfile(person.get('instagram')!.info.id)))
    expect(readInstagramProfile(instagram)).to.deep.include({ name: 'Ana Bell', username: 'ana.bell' })
  })

  /** One text from a client that gives up after a second when the fault is silence. */
  const sendInto = async (network: Network, kind: FaultKind, when: 'before' | 'after', text: string) => {
    await person.get(network)!.says('hello?')
    await sandbox.control.setFault({ network, kind, when })
    const { accessToken } = sandbox.accounts[network]
    const client = createGraphClient({ baseUrl: sandbox.url, accessToken, timeoutMs: kind === 'hang' ? 1_000 : 20_000 })
    const result = await client.call(textFor(network, text))
    await client.close()
    return result
  }

  for (const kind of ['cut', 'hang', 'gateway', 'broken', 'huge'] as const) {
    it(`leaves the client with "unknown" and the person with exactly one message when the answer is lost (${kind})`, async () => {
      expect(await sendInto('whatsapp', kind, 'after', 'once')).to.have.property('kind', 'unknown')
      expect(await texts('whatsapp')).to.deep.equal(['hello?', 'once'])
      expect(await send('whatsapp', 'next')).to.have.property('kind', 'done')
    })

    it(`leaves the client with "unknown" and the person with nothing when the request is lost (${kind})`, async () => {
      expect(await sendInto('messenger', kind, 'before', 'never')).to.have.property('kind', 'unknown')
      expect(await texts('messenger')).to.deep.equal(['hello?'])
    })
  }

  it('answers every shape of a send with an error of the documentation, never with a 500', async () => {
    const values = [null, 7, '', 'x', [], {}, [[]], { id: {} }, { id: '1', body: [] }, true]
    const keys = [
      'messaging_product',
      'to',
      'recipient',
      'type',
      'text',
      'message',
      'sender_action',
      'status',
      'context',
      'reaction',
      'payload',
    ]
    for (const network of ['whatsapp', 'messenger', 'instagram'] as const) {
      for (const key of keys) {
        for (const value of values) {
          const request = textFor(network, 'x')
          const result = await call(network, { ...request, json: { ...request.json, [key]: value } })
          if (result.kind !== 'done') expect([400, 401, 403, 501], `${network} ${key} ${JSON.stringify(value)}`).to.include(result.status)
        }
      }
    }
  })

  it('answers any documented error on demand, as often as asked', async () => {
    await person.get('instagram')!.says('hello?')
    const error = { status: 400, code: 10, subcode: 1893063, message: '(#10) restricted' }
    await sandbox.control.setFault({ network: 'instagram', kind: 'error', times: 2, error })
    expect(await send('instagram', 'x')).to.include({ class: 'account_restricted' })
    expect(await send('instagram', 'x')).to.include({ class: 'account_restricted' })
    expect(await send('instagram', 'x')).to.have.property('kind', 'done')
  })

  it('answers as Meta does to what does not exist or is no JSON', async () => {
    const ask = async (path: string, init: RequestInit = {}) => {
      const reply = await fetch(`${sandbox.url}${path}`, init)
      return { status: reply.status, ...((await reply.json()) as { error: { code: number } }).error }
    }
    const authorization = `Bearer ${sandbox.accounts.messenger.accessToken}`
    expect(await ask('/v25.0/me')).to.include({ status: 400, code: 104 })
    expect(await ask('/v19.0/me', { headers: { authorization } })).to.include({ status: 400, code: 2500 })
    expect(await ask('/v25.0/12345', { headers: { authorization } })).to.include({ status: 400, code: 100, error_subcode: 33 })
    const body = { method: 'POST', headers: { authorization }, body: '{"recipient":' }
    expect(await ask('/v25.0/me/messages', body)).to.include({ status: 400, code: 100, type: 'OAuthException' })
  })
})

function bodyOf(result: GraphResult): Record<string, unknown> {
  if (result.kind !== 'done') throw new Error(result.words)
  return result.body
}
