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
})
