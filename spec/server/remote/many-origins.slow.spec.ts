import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createEgress } from '../../../server/remote/egress.ts'

const many = 2500
const atOnce = 50

describe('requests to very many servers at once', () => {
  it('reach all of them, however many connections were kept open before', async () => {
    const server = createServer((_, response) => response.end('{}'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const names = Array.from({ length: many }, (_, n) => `s${n}.test`)
    const routes = new Map(names.map((name) => [`${name}:80`, { hostname: '127.0.0.1', port }]))
    const egress = createEgress({ caFile: undefined, userAgent: 'spec', dialing: { routes } })
    const failures: string[] = []
    const left = names.values()
    const work = async () => {
      for (const name of left) {
        const answer = await egress.request({ url: `http://${name}/`, allowPrivate: true })
        if (!answer.ok) failures.push(answer.words)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    await egress.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect([failures.length, failures[0]]).to.deep.equal([0, undefined])
  })

  it('are broken off at its end, those to servers of long before too', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/') response.end('{}')
      else if (request.url === '/slow') response.write('{')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const names = Array.from({ length: 1001 }, (_, n) => `s${n}.test`)
    const routes = new Map(names.map((name) => [`${name}:80`, { hostname: '127.0.0.1', port }]))
    const egress = createEgress({ caFile: undefined, userAgent: 'spec', dialing: { routes } })
    const silent = egress.request({ url: 'http://s0.test/silent', allowPrivate: true, timeoutMs: 2 ** 31 - 1 })
    const slow = await egress.stream({ url: 'http://s0.test/slow', allowPrivate: true, timeoutMs: 2 ** 31 - 1 })
    const isBroken = new Promise((resolve) => void (slow.ok && slow.body.once('close', resolve)))
    const left = names.values()
    const work = async () => {
      for (const name of left) await egress.request({ url: `http://${name}/`, allowPrivate: true })
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    await egress.close()
    await isBroken
    expect(await silent).to.include({ ok: false, reason: 'unreachable' })
    expect(await egress.request({ url: 'http://s1.test/', allowPrivate: true })).to.include({ ok: false, reason: 'unreachable' })
    await new Promise((resolve) => server.close(resolve))
  })

  it('are broken off at its end, those that are not connected yet too', async () => {
    const server = createServer((_, response) => response.end('{}'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const names = Array.from({ length: 999 }, (_, n) => `s${n}.test`)
    const routes = new Map([...names, 'next.test'].map((name) => [`${name}:80`, { hostname: '127.0.0.1', port }]))
    const dialled = Promise.withResolvers<void>()
    const egress = createEgress({ caFile: undefined, userAgent: 'spec', dialing: { routes, lookup: () => dialled.resolve() } })
    for (const name of names) await egress.request({ url: `http://${name}/`, allowPrivate: true })
    const silent = egress.request({ url: 'http://silent.test/', allowPrivate: true, timeoutMs: 2 ** 31 - 1 })
    await dialled.promise
    expect(await egress.request({ url: 'http://next.test/', allowPrivate: true })).to.include({ ok: true })
    await egress.close()
    const broken = { ok: false, reason: 'unreachable', words: 'UND_ERR_DESTROYED' }
    expect(await silent).to.include(broken)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
