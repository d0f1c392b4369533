import { type DeviceId, type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import type { Home } from '../../home.ts'
import { type SignatureRow, selectSignaturesBySigner } from '../cross-signing.store.ts'
import type { KnownKeys } from '../known-keys.ts'
import { devicesText, memberText, signWith } from '../public-keys.ts'
import { type KeyQuery, nothingTold, type ToldKeys, tellKeys } from '../query-keys.ts'
import { type AskServer, addFailure, type Failures } from './ask-server.ts'
import { eachInTime } from './in-time.ts'
import { createBreath, mostDevices, remoteDevice, remoteKeys, valueIn } from './read-answers.ts'
import type { RemoteLists } from './remote-lists.ts'

type Needs = {
  readonly home: Pick<Home, 'database' | 'clock'>
  readonly known: KnownKeys
  readonly lists: RemoteLists
  readonly askServer: AskServer
}
type Told = { readonly told: ToldKeys; readonly failures: Failures }
type Asked = { readonly server: ServerName; readonly users: readonly UserId[]; readonly timeoutMs: number }

/** So many lists of one server are asked for one by one, and kept at once. */
const mostLists = 20
const listsAtOnce = 5
const mostUsers = 1000
const largestAnswer = 10 * 1024 * 1024

/**
 * The keys of users of other servers: as they are kept here, or else asked for, all servers at once. Servers that do not answer in time are among the
 * failures. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery
 */
export async function queryRemote(needs: Needs, reader: UserId, query: KeyQuery, timeoutMs: number): Promise<Told> {
  const told = nothingTold()
  const failures: Failures = {}
  const fresh = await needs.lists.fresh([...query.keys()])
  const missing = [...query.keys()].filter((userId) => !fresh.has(userId))
  const servers = [...Map.groupBy(missing, serverNameOf)]
  const answers = await eachInTime(needs.home, timeoutMs, servers, ([server, users]) =>
    askFor(needs, reader, query, { server, users, timeoutMs }),
  )
  for (const [at, [server]] of servers.entries()) {
    const answer = answers[at]
    if (answer === undefined || answer.silent) addFailure(failures, server)
    for (const userId of answer?.fresh ?? []) fresh.add(userId)
    add(told, answer?.told)
  }
  const kept = new Map([...query].filter(([userId]) => fresh.has(userId)))
  add(told, await tellKeys(needs, { reader, named: true }, kept))
  return { told, failures }
}

function add(told: ToldKeys, more: ToldKeys | undefined): void {
  for (const [name, members] of Object.entries(more ?? {})) told[name as keyof ToldKeys].push(...members)
}

type Answer = { readonly silent: boolean; readonly fresh: readonly UserId[]; readonly told: ToldKeys | undefined }

/** Few users with whom somebody here shares a room: their lists, to keep. Others: only what was asked. */
async function askFor(needs: Needs, reader: UserId, query: KeyQuery, { server, users, timeoutMs }: Asked): Promise<Answer> {
  const shared: UserId[] = []
  for (const userId of users) if (await needs.lists.isShared(userId)) shared.push(userId)
  const kept = shared.length > mostLists ? [] : shared
  if (kept.length < shared.length) await needs.lists.fetchLater(shared)
  const fresh: UserId[] = []
  let silent = false
  for (let from = 0; from < kept.length && !silent; from += listsAtOnce) {
    const some = kept.slice(from, from + listsAtOnce)
    const ended = await Promise.all(some.map((userId) => needs.lists.refresh(userId, timeoutMs)))
    fresh.push(...some.filter((_, at) => ended[at] === 'fresh'))
    silent = ended.includes('silent')
  }
  const others = users.filter((userId) => !kept.includes(userId)).slice(0, mostUsers)
  if (others.length === 0 || silent) return { silent, fresh, told: undefined }
  const asked = new Map(others.map((userId) => [userId, query.get(userId)!]))
  const content = { device_keys: Object.fromEntries(asked) as JsonObject }
  const heard = await needs.askServer.ask(server, { method: 'POST', path: '/keys/query', content, limit: largestAnswer, timeoutMs })
  if (!heard.ok) return { silent: heard.silent, fresh, told: undefined }
  const signatures = await needs.home.database.select(selectSignaturesBySigner, others, reader)
  return { silent, fresh, told: await tellAnswer(heard.body, asked, signatures) }
}

/** What is told of an answer to `POST /user/keys/query`: of the users asked for, and only what their devices and keys signed. */
async function tellAnswer(body: JsonObject, asked: KeyQuery, signatures: readonly SignatureRow[]): Promise<ToldKeys> {
  const breathe = createBreath()
  const told = nothingTold()
  const sign = signWith(signatures)
  for (const [userId, wanted] of asked) {
    const devices = await readDevices(valueIn(body['device_keys'], userId), userId, breathe)
    if (devices !== undefined) told.device_keys.push(memberText(userId, devicesText(devices, wanted)))
    const keys = remoteKeys(userId, valueIn(body['master_keys'], userId), valueIn(body['self_signing_keys'], userId), undefined)
    for (const { usage, publicKey, content } of keys) {
      const name = usage === 'master' ? 'master_keys' : 'self_signing_keys'
      told[name].push(memberText(userId, JSON.stringify(sign(userId, publicKey, content))))
    }
  }
  return told
}

async function readDevices(
  value: Json | undefined,
  userId: UserId,
  breathe: () => Promise<void> | void,
): Promise<Map<DeviceId, string> | undefined> {
  if (!isJsonObject(value)) return undefined
  const found = new Map<DeviceId, string>()
  for (const [deviceId, keys] of Object.entries(value).slice(0, mostDevices)) {
    await breathe()
    const unsigned = isJsonObject(keys) ? keys['unsigned'] : undefined
    const text = remoteDevice(keys, userId, deviceId, isJsonObject(unsigned) ? unsigned['device_display_name'] : undefined)
    if (text !== undefined) found.set(deviceId, text)
  }
  return found
}
