import { createSocket } from 'node:dgram'
import { expect } from 'chai'
import { resolveSrv } from '../../../server/remote/resolve-srv.ts'

describe('looking for a service in the DNS', () => {
  it('ends where questions are dropped on the way, before those who wait for it do, and says nothing of whether there is one', async () => {
    const silent = createSocket('udp4')
    await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve))
    const asked = resolveSrv('_matrix-fed._tcp.a.example', 20, [`127.0.0.1:${silent.address().port}`])
    expect(await asked.catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ECANCELLED')
    await new Promise<void>((resolve) => silent.close(() => resolve()))
  })
})
