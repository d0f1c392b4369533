import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { generateSigningKey } from '../../../server/core/signatures.ts'
import type { Egress, OutgoingRequest } from '../../../server/remote/egress.ts'
import { createPeers } from '../../../server/remote/signed-request.ts'
import { createWellKnown } from '../../../server/remote/well-known.ts'

const signingKey = generateSigningKey(createHash('sha256').update('1').digest(), 'k')
const never = new Promise<never>(() => {})

describe('a server that cannot be found in time', () => {
  const tools = {
    egress: { fetchJson: () => never, close: async () => {} } as unknown as Egress,
    discovery: { find: () => never },
    serverName: 'here.test',
    signingKey,
    allowPrivate: false,
  }
  const peers = createPeers(tools)
  const question = { destination: 'there.test', method: 'GET', uri: '/' } as const

  it('is waited for no longer than its answer would be', async () => {
    const holding = setInterval(() => {}, 1000)
    const answer = await peers.fetchJson({ ...question, timeoutMs: 5 })
    clearInterval(holding)
    expect(answer).to.include({ ok: false, reason: 'timeout' })
  })

  it('is waited for no longer than somebody wants it', async () => {
    const wanted = new AbortController()
    const asked = peers.fetchJson({ ...question, signal: wanted.signal })
    wanted.abort()
    expect(await asked).to.include({ ok: false, reason: 'aborted' })
    expect(await peers.fetchJson({ ...question, signal: wanted.signal })).to.include({ ok: false, reason: 'aborted' })
  })

  it('has one time for all the redirects on the way to its well-known file', async () => {
    const times: number[] = []
    const request = async ({ timeoutMs = 0 }: OutgoingRequest) => {
      times.push(timeoutMs)
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { ok: true, status: 302, headers: { location: `https://there.test/${times.length}` }, body: Buffer.alloc(0) } as const
    }
    await createWellKnown({ egress: { request }, clock: { now: () => 1 }, allowPrivate: false }).delegated('there.test')
    expect(times).to.have.length(6)
    expect(times).to.deep.equal(times.toSorted((a, b) => b - a))
    expect(times.at(-1)).to.be.below(15_000 - 80)
  })

  it('is asked over connections of its own where that is wanted', async () => {
    const ways: unknown[] = []
    const fetchJson = async ({ apart }: OutgoingRequest) => {
      ways.push(apart)
      return { ok: false, reason: 'unreachable', words: 'nobody is there' } as const
    }
    const place = { origin: 'https://there.test', host: 'there.test' }
    const found = createPeers({ ...tools, egress: { fetchJson } as unknown as Egress, discovery: { find: async () => [place] } })
    await found.fetchJson({ ...question, apart: true })
    await found.fetchJson(question)
    expect(ways).to.deep.equal([true, undefined])
  })

  it('has one time for all the places where it may be', async () => {
    const times: number[] = []
    const fetchJson = async ({ timeoutMs = 0 }: OutgoingRequest) => {
      times.push(timeoutMs)
      await new Promise((resolve) => setTimeout(resolve, 30))
      return { ok: false, reason: 'unreachable', words: 'nobody is there' } as const
    }
    const places = Array.from({ length: 10 }, (_, n) => ({ origin: `https://place${n}.test`, host: 'there.test' }))
    const many = createPeers({ ...tools, egress: { fetchJson } as unknown as Egress, discovery: { find: async () => places } })
    expect(await many.fetchJson({ ...question, timeoutMs: 100 })).to.include({ ok: false, reason: 'unreachable' })
    expect(times.length).to.be.within(1, 4)
    expect(times).to.deep.equal(times.toSorted((a, b) => b - a))
    expect(times[0]).to.be.at.most(100)
  })
})
