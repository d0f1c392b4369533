import { expect } from 'chai'
import type { Egress, OutgoingRequest } from '../../../server/remote/egress.ts'
import { createWellKnown } from '../../../server/remote/well-known.ts'

type Said = { status?: number; body?: string; headers?: Record<string, string> } | 'silent'

/** What `a.example` and others say at each URL; a list is said one after another, the last for ever. */
function ask(world: Record<string, Said | Said[]>) {
  const asked: string[] = []
  const clock = { time: 1_000_000, now: () => clock.time }
  const request = async ({ url }: OutgoingRequest) => {
    asked.push(url)
    const all = world[url] ?? 'silent'
    const said = Array.isArray(all) ? (all.length > 1 ? all.shift()! : all[0]!) : all
    if (said === 'silent') return { ok: false, reason: 'unreachable', words: 'no' } as const
    return { ok: true, status: said.status ?? 200, headers: said.headers ?? {}, body: Buffer.from(said.body ?? '') } as const
  }
  const wellKnown = createWellKnown({ egress: { request } as Pick<Egress, 'request'>, clock, allowPrivate: false })
  const delegated = async (hostname: string) => (await wellKnown.delegated(hostname)).to
  return { delegated, isSure: async (hostname: string) => (await wellKnown.delegated(hostname)).isSure, asked, clock }
}

const at = (host: string) => `https://${host}/.well-known/matrix/server`
const says = (server: string, headers: Record<string, string> = {}): Said => ({ body: JSON.stringify({ 'm.server': server }), headers })
const hour = 3_600_000

describe('the well-known file of a server', () => {
  it('says where it is', async () => {
    expect(await ask({ [at('a.example')]: says('b.example:443') }).delegated('a.example')).to.equal('b.example:443')
  })

  const useless: Readonly<Record<string, Said>> = {
    'there is no answer': 'silent',
    'it is not found': { status: 404, body: JSON.stringify({ 'm.server': 'b.example' }) },
    'it is no JSON': { body: '<html>' },
    'it is no object': { body: '["m.server"]' },
    'it lacks the name': { body: '{}' },
    'its name is no name': says('http://b.example'),
    'its name is a number': { body: '{"m.server":7}' },
  }
  for (const [words, said] of Object.entries(useless)) {
    it(`delegates to nobody when ${words}`, async () => {
      expect(await ask({ [at('a.example')]: said }).delegated('a.example')).to.equal(undefined)
    })
  }

  const certain: readonly [string, Said, boolean][] = [
    ['nobody answers', 'silent', false],
    ['those who answer are in trouble', { status: 502 }, false],
    ['it is not found', { status: 404 }, true],
    ['it cannot be read', { body: '<html>' }, true],
  ]
  for (const [words, said, isSure] of certain) {
    it(`${isSure ? 'is known to delegate to nobody' : 'may delegate to somebody'} when ${words}`, async () => {
      expect(await ask({ [at('a.example')]: said }).isSure('a.example')).to.equal(isSure)
    })
  }

  it('may be elsewhere, as long as that is HTTPS, and not for ever', async () => {
    const to = (Location: string): Said => ({ status: 302, body: 'moved', headers: { location: Location } })
    const followed = ask({
      [at('a.example')]: to('https://www.a.example/x'),
      'https://www.a.example/x': to('/y'),
      'https://www.a.example/y': says('b.example'),
    })
    expect(await followed.delegated('a.example')).to.equal('b.example')
    const plain = ask({ [at('a.example')]: to('http://www.a.example/'), 'http://www.a.example/': says('b.example') })
    expect(await plain.delegated('a.example')).to.equal(undefined)
    expect(plain.asked).to.have.length(1)
    const round = ask({ [at('a.example')]: to(at('a.example')) })
    expect(await round.delegated('a.example')).to.equal(undefined)
    expect(round.asked).to.have.length(6)
  })

  it('is asked for once by many at a time', async () => {
    const { delegated, asked } = ask({ [at('a.example')]: says('b.example') })
    expect(await Promise.all([1, 2, 3].map(() => delegated('a.example')))).to.deep.equal(['b.example', 'b.example', 'b.example'])
    expect(asked).to.have.length(1)
  })

  const lives: readonly [string, Record<string, string>, number][] = [
    ['a day when it does not say how long', {}, 24 * hour],
    ['as long as it says', { 'cache-control': 'public, max-age=7200' }, 2 * hour],
    ['no longer than two days', { 'cache-control': 'max-age=99999999' }, 48 * hour],
    ['five minutes when it should not be kept', { 'cache-control': 'no-store' }, hour / 12],
    ['until it expires', { date: new Date(0).toUTCString(), expires: new Date(3 * hour).toUTCString() }, 3 * hour],
  ]
  for (const [words, headers, life] of lives) {
    it(`is kept ${words}`, async () => {
      const { delegated, asked, clock } = ask({ [at('a.example')]: says('b.example', headers) })
      await delegated('a.example')
      clock.time += life - 1
      await delegated('a.example')
      expect(asked).to.have.length(1)
      clock.time += 1
      await delegated('a.example')
      expect(asked).to.have.length(2)
    })
  }

  it('is asked for less and less often while it fails, at least once an hour', async () => {
    const { delegated, asked, clock } = ask({})
    for (let minutes = 0; minutes < 600; minutes++) {
      await delegated('a.example')
      clock.time += 60_000
    }
    expect(asked.length).to.be.within(14, 18)
  })

  it('that was good once is held on to while it fails, for two days', async () => {
    const { delegated, clock } = ask({ [at('a.example')]: [says('b.example'), 'silent'] })
    expect(await delegated('a.example')).to.equal('b.example')
    clock.time += 47 * hour
    expect(await delegated('a.example')).to.equal('b.example')
    clock.time += 2 * hour
    expect(await delegated('a.example')).to.equal(undefined)
  })
})
