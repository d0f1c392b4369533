import { connect, type Socket } from 'node:net'

/** A request as it goes out; the body is sent as JSON, unless it is given as bytes. */
export type Asked = {
  readonly method: string
  readonly path: string
  readonly token?: string | undefined
  readonly body?: object
  readonly raw?: Buffer
  readonly headers?: Readonly<Record<string, string>>
}
export type Answer = { readonly status: number; readonly text: string }
export type Connection = { readonly request: (asked: Asked) => Promise<Answer>; readonly close: () => void }

type Waiting = { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void }

/**
 * A connection to a server on this machine that stays open, with one request in flight at a time: a socket and just enough of HTTP/1.1, so that the
 * driver takes little of what is measured. Rejects when the connection is lost or the answer names no length.
 */
export function openConnection(url: string): Connection {
  const { hostname, port, host } = new URL(url)
  let socket: Socket | undefined
  let waiting: Waiting | undefined
  let read = answerReader()

  const settle = (how: (waiting: Waiting) => void) => {
    const settled = waiting
    waiting = undefined
    if (settled) how(settled)
  }
  const lose = (error: Error) => {
    socket?.destroy()
    socket = undefined
    read = answerReader()
    settle(({ reject }) => reject(error))
  }
  const receive = (bytes: Buffer) => {
    try {
      const answer = read(bytes)
      if (answer) settle(({ resolve }) => resolve(answer))
    } catch (error) {
      lose(error as Error)
    }
  }
  const open = () => {
    const opened = connect({ host: hostname, port: Number(port), noDelay: true })
    opened.on('data', receive)
    opened.on('error', lose)
    opened.on('close', () => {
      if (opened === socket) lose(new Error('the connection was closed'))
    })
    return opened
  }

  return {
    request: (asked) =>
      new Promise((resolve, reject) => {
        if (waiting) throw new Error('one request at a time')
        waiting = { resolve, reject }
        socket ??= open()
        socket.write(requestText(asked, host))
      }),
    close: () => lose(new Error('the driver closed the connection')),
  }
}

function requestText({ method, path, token, body, raw, headers = {} }: Asked, host: string): string {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${authorization}${more.join('')}`
  if (body === undefined && raw === undefined) return `${head}\r\n`
  const text = raw?.toString() ?? JSON.stringify(body)
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

/** Reads answers out of the pieces in which they arrive: gives each one when its last piece is there. Throws when its length is not told. */
export function answerReader(): (bytes: Buffer) => Answer | undefined {
  let pieces: Buffer[] = []
  let size = 0
  let head: { status: number; from: number; to: number } | undefined
  return (bytes) => {
    pieces.push(bytes)
    size += bytes.length
    if (head === undefined) {
      if (pieces.length > 1) pieces = [Buffer.concat(pieces)]
      head = readHead(pieces[0]!)
    }
    if (head === undefined || size < head.to) return undefined
    const whole = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    const answer = { status: head.status, text: whole.toString('utf8', head.from, head.to) }
    pieces = []
    size = 0
    head = undefined
    return answer
  }
}

function readHead(bytes: Buffer): { status: number; from: number; to: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const length = status === 204 ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
  if (!Number.isInteger(length)) throw new Error(`an answer without a length: ${head.slice(0, 200)}`)
  return { status, from: end + 4, to: end + 4 + length }
}
