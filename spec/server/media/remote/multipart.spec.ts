import { Readable } from 'node:stream'
import { expect } from 'chai'
import { boundaryOf, Malformed, readFilePart } from '../../../../server/media/remote/multipart.ts'

const usual = '\r\n--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n'

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(text: string, size = 1000): Promise<{ headers: Record<string, string>; body: string }> {
  const part = await readFilePart(pieces(text, size), 'b')
  const chunks: Buffer[] = []
  for await (const chunk of part.body) chunks.push(chunk)
  return { headers: Object.fromEntries(part.headers), body: Buffer.concat(chunks).toString() }
}

async function failure(of: Promise<unknown>): Promise<unknown> {
  return of.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('an answer of two parts', () => {
  const read1 = { headers: { 'content-type': 'text/plain' }, body: 'hello' }
  const accepted: Readonly<Record<string, [text: string, expected: typeof read1]>> = {
    'as it is usual': [usual, read1],
    'without a line end before the first boundary': [usual.slice(2), read1],
    'with words before the first boundary': [`words\r\n${usual}`, read1],
    'with white space after its boundaries': [usual.replaceAll('--b\r\n', '--b \t\r\n'), read1],
    'with words at the end': [`${usual}words`, read1],
    'with an empty file': [usual.replace('hello', ''), { ...read1, body: '' }],
    'with an empty file, and one line end for two': [usual.replace('hello\r\n', ''), { ...read1, body: '' }],
    'with a file that looks like its end': [usual.replace('hello', '\r\n--\r\n-\r\n--a'), { ...read1, body: '\r\n--\r\n-\r\n--a' }],
    'without headers': [usual.replace('Content-Type: text/plain\r\n', ''), { ...read1, headers: {} as never }],
    'with headers in lower case, twice and malformed': [
      usual.replace('Content-Type: text/plain', 'content-type:text/plain\r\nContent-Type: text/html\r\nnothing\r\n: x'),
      read1,
    ],
  }
  for (const [words, [text, expected]] of Object.entries(accepted)) {
    it(`is read ${words}, in pieces of any size`, async () => {
      for (const size of [1, 2, 3, 7, 1000]) expect(await read(text, size), `in pieces of ${size}`).to.deep.equal(expected)
    })
  }

  const refused: Readonly<Record<string, string>> = {
    'breaks off before the file': usual.slice(0, 60),
    'breaks off in the file': usual.slice(0, -8),
    'has another boundary': usual.replaceAll('--b', '--c'),
    'has one part': '--b\r\n\r\n{}\r\n--b--\r\n',
    'is empty': '',
    'has endless words before it': 'x'.repeat(5000),
    'has an endless description': usual.replace('{}', ' '.repeat(100_000)),
    'has endless headers': usual.replace('text/plain', 'x'.repeat(50_000)),
    'has very many headers': usual.replace('text/plain', `x\r\n${'a: b\r\n'.repeat(1000)}`),
  }
  for (const [words, text] of Object.entries(refused)) {
    it(`is refused when it ${words}`, async () => {
      for (const size of [1000, 17]) expect(await failure(read(text, size)), `in pieces of ${size}`).to.be.instanceOf(Malformed)
    })
  }

  it('is not held in memory, nor waited for when its end goes on and on', async () => {
    let sent = 0
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from(usual.slice(0, -12))
      for (; sent < 200; sent++) yield Buffer.alloc(64 * 1024)
      yield Buffer.from('\r\n--b--')
      for (;;) {
        sent++
        yield Buffer.alloc(1024)
      }
    }
    const source = Readable.from(endless())
    let largest = 0
    for await (const chunk of (await readFilePart(source, 'b')).body) largest = Math.max(largest, chunk.length)
    expect(largest).to.be.below(70 * 1024)
    expect(sent).to.be.below(300)
    source.destroy()
  })
})

describe('the boundary of a content type', () => {
  it('is read bare and in quotes', () => {
    expect(boundaryOf('multipart/mixed; boundary=abc')).to.equal('abc')
    expect(boundaryOf('Multipart/Mixed;charset=x; Boundary="a b"')).to.equal('a b')
  })
  it('is none of another type, without one, and where it is too long', () => {
    for (const type of [
      undefined,
      '',
      'text/html; boundary=a',
      'multipart/mixed',
      'multipart/mixed; boundary=',
      `multipart/mixed; boundary=${'a'.repeat(71)}`,
    ]) {
      expect(boundaryOf(type), String(type)).to.equal(undefined)
    }
  })
})
