import { expect } from 'chai'
import { createDiscovery, type Service } from '../../../server/remote/discovery.ts'

type World = {
  delegated?: Record<string, string>
  services?: Record<string, Service[]>
  without?: string
  /** For so long each question to the DNS takes. */
  dnsTakes?: number
  /** Whose well-known file cannot be asked for. */
  silent?: Set<string>
}

/** Discovery in a world of well-known answers and SRV records; notes what was asked. */
function discover({ delegated = {}, services = {}, without = 'ENOTFOUND', dnsTakes = 0, silent }: World) {
  const asked: string[] = []
  const clock = { time: 0, now: () => clock.time }
  const discovery = createDiscovery({
    clock,
    wellKnown: {
      delegated: async (hostname) => {
        asked.push(`https ${hostname}`)
        return silent?.has(hostname) ? { to: undefined, isSure: false } : { to: delegated[hostname], isSure: true }
      },
    },
    resolveSrv: async (name) => {
      asked.push(`srv ${name}`)
      clock.time += dnsTakes
      const found = services[name]
      if (found === undefined) throw Object.assign(new Error('none'), { code: without })
      return found
    },
  })
  return { ...discovery, asked, clock }
}

const service = (name: string, port: number, priority = 0, weight = 0): Service => ({ name, port, priority, weight })

describe('finding a server by its name', () => {
  const straight: Readonly<Record<string, { origin: string; host: string }>> = {
    '1.2.3.4': { origin: 'https://1.2.3.4:8448', host: '1.2.3.4' },
    '1.2.3.4:443': { origin: 'https://1.2.3.4:443', host: '1.2.3.4:443' },
    '[2001:db8::1]': { origin: 'https://[2001:db8::1]:8448', host: '[2001:db8::1]' },
    '[2001:db8::1]:99': { origin: 'https://[2001:db8::1]:99', host: '[2001:db8::1]:99' },
    'a.example:8443': { origin: 'https://a.example:8443', host: 'a.example:8443' },
  }
  for (const [name, place] of Object.entries(straight)) {
    it(`asks nobody where ${name} is`, async () => {
      const { find, asked } = discover({})
      expect(await find(name)).to.deep.equal([place])
      expect(asked).to.deep.equal([])
    })
    it(`goes where it is delegated to: ${name}`, async () => {
      const { find, asked } = discover({ delegated: { 'begin.example': name } })
      expect(await find('begin.example')).to.deep.equal([place])
      expect(asked).to.deep.equal(['https begin.example'])
    })
  }

  it('looks for the services of the delegated name, and shows itself to that name', async () => {
    const { find, asked } = discover({
      delegated: { 'a.example': 'm.example' },
      services: { '_matrix-fed._tcp.m.example': [service('host.example', 1234)], '_matrix._tcp.m.example': [service('never.example', 1)] },
    })
    expect(await find('a.example')).to.deep.equal([{ origin: 'https://host.example:1234', host: 'm.example' }])
    expect(asked).to.deep.equal(['https a.example', 'srv _matrix-fed._tcp.m.example'])
  })

  it('takes the old service name where the new one is not there, and port 8448 without either', async () => {
    const old = discover({
      delegated: { 'a.example': 'm.example' },
      services: { '_matrix._tcp.m.example': [service('host.example', 1234)] },
    })
    expect(await old.find('a.example')).to.deep.equal([{ origin: 'https://host.example:1234', host: 'm.example' }])
    const none = discover({ delegated: { 'a.example': 'm.example' } })
    expect(await none.find('a.example')).to.deep.equal([{ origin: 'https://m.example:8448', host: 'm.example' }])
  })

  it('does the same with the name itself where nothing is delegated', async () => {
    const { find, asked } = discover({ services: { '_matrix-fed._tcp.a.example': [service('host.example', 1234)] } })
    expect(await find('a.example')).to.deep.equal([{ origin: 'https://host.example:1234', host: 'a.example' }])
    const plain = discover({})
    expect(await plain.find('a.example')).to.deep.equal([{ origin: 'https://a.example:8448', host: 'a.example' }])
    expect(plain.asked).to.deep.equal(['https a.example', 'srv _matrix-fed._tcp.a.example', 'srv _matrix._tcp.a.example'])
    expect(asked).to.have.length(2)
  })

  it('tries services by their priority, the heavier first, and leaves out what is none', async () => {
    const services = [
      service('c', 3, 20),
      service('b', 2, 10, 1),
      service('a', 1, 10, 5),
      service('.', 4),
      service('d', 0),
      service('e/', 5),
    ]
    const { find } = discover({ services: { '_matrix-fed._tcp.a.example': services } })
    expect((await find('a.example')).map(({ origin }) => origin)).to.deep.equal(['https://a:1', 'https://b:2', 'https://c:3'])
  })

  it('asks again only after a while', async () => {
    const { find, asked, clock } = discover({})
    await Promise.all([find('a.example'), find('a.example')])
    await find('a.example')
    expect(asked.filter((one) => one.startsWith('https'))).to.have.length(1)
    clock.time = 10 * 60_000
    await find('a.example')
    expect(asked.filter((one) => one.startsWith('https'))).to.have.length(2)
  })

  it('asks again soon where the DNS could not be asked', async () => {
    const services: Record<string, Service[]> = {}
    const { find, clock } = discover({ services, without: 'ECONNREFUSED' })
    expect(await find('a.example')).to.deep.equal([{ origin: 'https://a.example:8448', host: 'a.example' }])
    services['_matrix-fed._tcp.a.example'] = [service('host.example', 1234)]
    expect(await find('a.example')).to.deep.equal([{ origin: 'https://a.example:8448', host: 'a.example' }])
    clock.time += 15_000
    const right = [{ origin: 'https://host.example:1234', host: 'a.example' }]
    expect(await find('a.example')).to.deep.equal(right)
    delete services['_matrix-fed._tcp.a.example']
    clock.time += 60_000
    expect(await find('a.example')).to.deep.equal(right)
  })

  it('knows for a while where a server is that took long to find, however unsure it is', async () => {
    const { find, asked, clock } = discover({ without: 'ETIMEOUT', dnsTakes: 10_000 })
    const places = await find('a.example')
    clock.time += 14_000
    expect(await find('a.example')).to.equal(places)
    expect(asked).to.have.length(3)
  })

  it('asks again soon where it could not be asked whether a name is delegated', async () => {
    const silent = new Set(['a.example'])
    const { find, clock } = discover({ delegated: { 'a.example': 'm.example:443' }, silent })
    expect(await find('a.example')).to.deep.equal([{ origin: 'https://a.example:8448', host: 'a.example' }])
    silent.clear()
    clock.time += 15_000
    expect(await find('a.example')).to.deep.equal([{ origin: 'https://m.example:443', host: 'm.example:443' }])
  })

  it('finds nothing where a name is none', async () => {
    for (const name of ['', ':8448', 'a:0', 'a:65536', 'a:b', '[::1', 'a/b', 'a b', '[::1]x', 'a:1:2', 'user@a']) {
      const { find, asked } = discover({})
      expect(await find(name), name).to.deep.equal([])
      expect(asked, name).to.deep.equal([])
    }
  })
})
