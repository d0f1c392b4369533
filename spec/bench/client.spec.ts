import { createServer, type Server } from 'node:net'
import { expect } from 'chai'
import { answerReader, openConnection } from './client.ts'

describe('the client of the bench', () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 11\r\n\r\n{"ä":"ö"}'

  it('reads an answer out of any pieces', () => {
    const bytes = Buffer.from(answer)
    for (let at = 1; at < bytes.length; at++) {
      const read = answerReader()
      expect(read(bytes.subarray(0, at)), `cut at ${at}`).to.equal(undefined)
      expect(read(bytes.subarray(at)), `cut at ${at}`).to.deep.equal({ status: 200, text: '{"ä":"ö"}' })
    }
  })

  it('reads one answer after the other, also one without a body', () => {
    const read = answerReader()
    expect(read(Buffer.from('HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n'))).to.deep.equal({ status: 204, text: '' })
    expect(read(Buffer.from(answer))?.status).to.equal(200)
  })

  it('refuses an answer that does not tell its length', () => {
    const read = answerReader()
    expect(() => read(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'))).to.throw('without a length')
  })

  describe('over a socket', () => {
    let server: Server
    let url: string
    let asked: string[]
    beforeEach(async () => {
      asked = []
      server = createServer((socket) => {
        socket.on('data', (bytes) => {
          asked.push(bytes.toString())
          if (asked.length < 3) socket.write(answer)
          else socket.destroy()
        })
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    })
    afterEach(() => new Promise((resolve) => server.close(resolve)))

    it('sends requests over one connection and rejects when it is lost', async () => {
      const connection = openConnection(url)
      const asking = { method: 'PUT', path: '/there', token: 'secret', body: { ö: 1 } }
      expect(await connection.request(asking)).to.deep.equal({ status: 200, text: '{"ä":"ö"}' })
      expect(await connection.request({ method: 'GET', path: '/here' })).to.deep.equal({ status: 200, text: '{"ä":"ö"}' })
      const lost = await connection.request(asking).then(
        () => 'answered',
        (error: Error) => error.message,
      )
      expect(lost).to.equal('the connection was closed')
      expect(asked[0]).to.match(/^PUT \/there HTTP\/1\.1\r\nHost: 127/)
      expect(asked[0])
        .to.include('Authorization: Bearer secret\r\n')
        .and.to.match(/Content-Length: 8\r\n\r\n\{"ö":1\}$/)
      expect(asked[1]).to.match(/^GET \/here /)
      connection.close()
    })
  })
})
