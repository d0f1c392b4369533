import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { readSigned } from '../../../server/http/body.ts'

describe('the body of what another server signed', () => {
  const read = (text: string) => {
    const stream = Readable.from([Buffer.from(text)])
    return readSigned(Object.assign(stream, { headers: {} }) as unknown as IncomingMessage, 12_000_000, false)
  }

  it('is read with other work in between, however many small values it holds', async () => {
    for (const first of ['1.5', '9223372036854775807', '"x"']) {
      const text = `{"pdus":[${first}${',[]'.repeat(300_000)}],"edus":[${'{"a":1},'.repeat(10_000)}0]}`
      let [turns, isOver] = [0, false]
      const turn = () => {
        turns++
        if (!isOver) setImmediate(turn)
      }
      setImmediate(turn)
      const body = await read(text)
      isOver = true
      expect(body?.['pdus']).to.have.length(300_001)
      expect(turns).to.be.at.least(12)
    }
  })

  it('is refused as a small one is, where it is none', async () => {
    const filling = `"a":[${'[],'.repeat(20_000)}0]`
    const codeOf = (text: string) =>
      read(text).then(
        () => 'read',
        ({ errcode }) => errcode,
      )
    expect(await codeOf(`{${filling}}`)).to.equal('read')
    expect(await codeOf(`{${filling}`)).to.equal('M_NOT_JSON')
    expect(await codeOf(`{${filling},}`)).to.equal('M_NOT_JSON')
    expect(await codeOf(`[{${filling}}]`)).to.equal('M_BAD_JSON')
    expect(await codeOf(`{${filling},"b":${'['.repeat(1001)}${']'.repeat(1001)}}`)).to.equal('M_BAD_JSON')
  })
})
