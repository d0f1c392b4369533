import { Agent, request } from 'node:http'
import { expect } from 'chai'
import type { TestServer, TestUser } from '../server.ts'

/** One request as it goes over the wire. */
export type Wire = {
  readonly method: string
  readonly path: string
  readonly body?: string | Uint8Array | undefined
  readonly headers?: Readonly<Record<string, string>>
}
export type Answer = { readonly status: number; readonly text: string; readonly headers: Readonly<Record<string, unknown>> }

/** Sends requests as they are, over few connections. */
export function wireTo(url: string) {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  return {
    send: ({ method, path, body, headers = {} }: Wire): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
        const asked = request({ hostname, port, agent, method, path, headers: { ...headers, ...length }, timeout: 15_000 }, (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }))
          response.on('error', reject)
        })
        asked.on('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path.slice(0, 200)}`)))
        asked.on('error', reject)
        asked.end(body)
      }),
    close: () => agent.destroy(),
  }
}

/** What every answer owes: never the server's own fault, an error in Matrix's form, and readable from any web page. */
export function checkAnswer({ method, path, body }: Wire, { status, text, headers }: Answer): void {
  const words = `${method} ${path.slice(0, 300)} ${String(body ?? '').slice(0, 500)} → ${status} ${text.slice(0, 300)}`
  expect(headers['access-control-allow-origin'], words).to.equal('*')
  expect(String(headers['access-control-allow-methods']), words).to.contain('PUT')
  if (status < 400) return
  expect(status, words).to.not.equal(500)
  const answer = parse(text, words)
  // User-interactive authentication says what it wants, which is no error.
  if (status === 401 && Array.isArray(answer['flows'])) return
  expect(answer['errcode'], words).to.match(/^M_[A-Z_]+$/)
  expect(answer['error'], words).to.be.a('string')
}

function parse(text: string, words: string): Record<string, unknown> {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    expect.fail(`no JSON: ${words}`)
  }
  expect(answer, words).to.be.an('object')
  return answer as Record<string, unknown>
}

/** Somebody with a room, an event, a device and an acquaintance: what hostile requests are made around. */
export type Stage = { readonly ids: Readonly<Record<string, string>>; readonly renew: () => Promise<void>; readonly token: () => string }

let stages = 0

export async function setStage(server: TestServer, admin = false): Promise<Stage> {
  stages += 1
  const me: TestUser = await server.register(`me${stages}`, { admin })
  const other = await server.register(`other${stages}`)
  const room = (await me.post('/createRoom', { preset: 'public_chat' })).body.room_id as string
  const event = (await me.put(`/rooms/${encodeURIComponent(room)}/send/m.room.message/1`, { msgtype: 'm.text', body: 'x' })).body.event_id
  const backup = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'abc' } }
  const version = (await me.post('/room_keys/version', backup)).body.version as string
  let token = me.token
  return {
    ids: {
      // An administrator would lock herself out.
      userId: admin ? other.userId : me.userId,
      otherId: other.userId,
      deviceId: me.deviceId,
      roomId: room,
      eventId: event as string,
      roomIdOrAlias: room,
      roomAlias: '#alias:hs.test',
      eventType: 'm.room.message',
      stateKey: '',
      txnId: 'txn',
      type: 'm.some.type',
      filterId: '1',
      serverName: 'hs.test',
      mediaId: 'abcdefgh',
      fileName: 'file.txt',
      keyName: 'displayname',
      kind: 'content',
      ruleId: 'rule',
      receiptType: 'm.read',
      tag: 'u.work',
      version,
      sessionId: 'session',
      appserviceId: 'bridge',
      authType: 'm.login.registration_token',
      action: 'restart',
      relType: 'm.thread',
      networkId: 'irc',
    },
    token: () => token,
    renew: async () => {
      const { people } = server.server
      token = (await people.createSession({ userId: me.userId, deviceId: undefined, displayName: undefined, refreshable: false }))
        .accessToken
    },
  }
}

/** Sends every request of an endpoint, eight at a time; whoever was logged out by one logs in again. */
export async function sendAll(wire: ReturnType<typeof wireTo>, stage: Stage, requests: Iterable<Wire>): Promise<void> {
  const queue = requests[Symbol.iterator]()
  const work = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const token = stage.token()
      const asked = { ...next.value, headers: { Authorization: `Bearer ${token}`, ...next.value.headers } }
      const answer = await wire.send(asked)
      checkAnswer(asked, answer)
      if (answer.status === 401 && answer.text.includes('M_UNKNOWN_TOKEN') && token === stage.token()) await stage.renew()
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
}

/** Fills `{name}` with ids, encoded for a path. */
export function pathOf(template: string, ids: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\*?\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? 'x'))
}

/** Fills `{name}` with ids in a JSON text. */
export function bodyOf(text: string, ids: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => ids[name] ?? whole)
}

/** Queries without which an operation refuses before it looks at anything else. */
const neededQueries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  getRoomEvents: { dir: 'b' },
  getEvents: { timeout: '0' },
  peekEvents: { timeout: '0' },
  getEventByTimestamp: { ts: '1' },
  getContentThumbnail: { width: '32', height: '32' },
  getContentThumbnailAuthed: { width: '32', height: '32' },
}

/** A whole path: its parameters filled, with the query that the operation needs and what is added to it. */
export function targetOf(
  { path, operationId }: { path: string; operationId: string },
  ids: Readonly<Record<string, string>>,
  more = '',
): string {
  const needed = path.includes('/room_keys/keys') ? { version: ids['version'] ?? '' } : (neededQueries[operationId] ?? {})
  const own = Object.entries(needed).filter(([name]) => !more.startsWith(`${name}=`))
  const query = [...own.map(([name, value]) => `${name}=${value}`), ...(more === '' ? [] : [more])].join('&')
  return pathOf(path, ids) + (query === '' ? '' : `?${query}`)
}
