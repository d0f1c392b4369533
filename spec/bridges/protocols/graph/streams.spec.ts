import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { createGraphClient } from '../../../../bridges/protocols/graph/graph-client.ts'
import { createMediaFetcher, mediaHostsOf } from '../../../../bridges/protocols/graph/media-fetcher.ts'
import { readWhatsappContent } from '../../../../bridges/protocols/graph/whatsapp-content.ts'
import { buildWhatsappUpload } from '../../../../bridges/protocols/graph/whatsapp-media.ts'
import { readAttachments } from '../../../../bridges/protocols/messaging/messaging-attachments.ts'

const piece = Buffer.alloc(65_536, 1)
const pieces = 1_024
const total = piece.length * pieces
// What sockets and streams may hold between the two ends.
const inBetween = total / 2

describe('files larger than what may stand in memory', () => {
  let server: Server
  let base: string
  let respond: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

  beforeEach(async () => {
    server = createServer((request, response) => void respond(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  it('are read only as fast as the network takes them', async () => {
    let read = 0
    const arrived = Promise.withResolvers<IncomingMessage>()
    respond = (request, response) => {
      request.once('data', () => arrived.resolve(request.pause())).on('end', () => response.end('{"id":"7"}'))
    }
    const file = {
      ...{ name: 'a.bin', mime: 'application/zip', size: total },
      async *open() {
        for (; read < pieces; read++) yield piece
      },
    }
    const client = createGraphClient({ baseUrl: base, accessToken: 'token' })
    const result = client.call(buildWhatsappUpload('1065', 'file', file))
    const request = await arrived.promise
    await sleep(200)
    expect(read * piece.length).to.be.lessThan(inBetween)
    request.resume()
    expect(await result).to.deep.equal({ kind: 'done', body: { id: '7' } })
    expect(read).to.equal(pieces)
    await client.close()
  })

  it('are fetched only as fast as they are read, and left in the middle without waiting for the rest', async () => {
    let written = 0
    const closed = Promise.withResolvers<void>()
    respond = async (_, response) => {
      response.on('close', () => closed.resolve()).writeHead(200, { 'content-length': total })
      for (; written < pieces && !response.destroyed; written++) {
        if (!response.write(piece)) await Promise.race([once(response, 'drain').catch(() => undefined), closed.promise])
      }
    }
    const fetcher = createMediaFetcher({ hosts: mediaHostsOf(base) })
    const opened = await fetcher.open(`${base}/a`, { maxBytes: total })
    if (opened.kind !== 'open') throw new Error(opened.words)
    for await (const chunk of opened.body) {
      expect(chunk.length).to.be.greaterThan(0)
      await sleep(200)
      break
    }
    await closed.promise
    expect(written * piece.length).to.be.lessThan(inBetween)
    await fetcher.close()
  })

  it('end when they are discarded unread', async () => {
    const closed = Promise.withResolvers<void>()
    respond = (_, response) =>
      void response
        .on('close', () => closed.resolve())
        .writeHead(200)
        .write(piece)
    const fetcher = createMediaFetcher({ hosts: mediaHostsOf(base) })
    const opened = await fetcher.open(`${base}/a`, { maxBytes: total })
    if (opened.kind !== 'open') throw new Error(opened.words)
    opened.discard()
    await closed.promise
    await fetcher.close()
  })
})

describe('readers of content', () => {
  it('take any JSON for any type without throwing, and give bounded lists', () => {
    const odd = [null, 7, 'x', [], {}, [null], [{}], { id: [] }, { id: 'x'.repeat(9_999) }, { name: 7, phones: {} }, { payload: 'x' }, true]
    const types = ['image', 'audio', 'location', 'contacts', 'template', 'constructor', '__proto__', 'toString', '']
    for (const type of types) {
      for (const value of odd) {
        expect(() => readWhatsappContent(type, value), `${type} ${JSON.stringify(value)}`).to.not.throw()
        for (const list of [[value], [{ type, payload: value }], [{ type, payload: { coordinates: value, url: value } }]]) {
          expect(() => readAttachments(list), `${type} ${JSON.stringify(value)}`).to.not.throw()
        }
      }
    }
    const url = 'https://a.fbcdn.net/a'
    const many = readAttachments(Array.from({ length: 500 }, () => ({ type: 'image', payload: { url } })))
    expect(many).to.have.property('media').with.length(30)
    const cards = readWhatsappContent(
      'contacts',
      Array.from({ length: 500 }, (_, at) => ({ name: { formatted_name: `${at}` } })),
    )
    expect(cards).to.have.property('contacts').with.length(100)
  })
})
