import { isServerName, type ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { badJson, invalidParam } from '../core/matrix-error.ts'
import { signJson } from '../core/signatures.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { ownKeys } from './keys-server.federation.ts'

type Tools = { readonly home: Pick<Home, 'serverName' | 'signingKey' | 'ownKeys' | 'clock' | 'keyRing'> }

const mostServers = 100
const atOnce = 10

/** This server tells others' keys on, under its own signature beside theirs. https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server */
export function keysQuery(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/key/v2/query/{serverName}',
      aliases: ['/_matrix/key/v2/query/{serverName}/{keyId}'],
      operationId: 'perspectivesKeyQuery',
      auth: 'none',
      body: 'none',
      rate: 'other',
      handle: ({ params, query }) => {
        const { serverName } = params
        if (!isServerName(serverName)) throw invalidParam('this is not the name of a server')
        const until = Number(query.get('minimum_valid_until_ts') ?? 0)
        if (!Number.isSafeInteger(until)) throw invalidParam('minimum_valid_until_ts is not a time in milliseconds')
        return tell(tools, [{ serverName, until, keyIds: params['keyId'] === undefined ? [] : [params['keyId']] }])
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/key/v2/query',
      operationId: 'bulkPerspectivesKeyQuery',
      auth: 'none',
      body: 'json',
      rate: 'other',
      handle: ({ body }) => tell(tools, readQuery(body)),
    }),
  ]
}

/** A server asked for: until when its keys have to be valid, and which it has to have. */
type Query = { readonly serverName: ServerName; readonly until: number; readonly keyIds: readonly string[] }

/** The servers asked for. Throws `M_BAD_JSON`. */
function readQuery({ server_keys: asked }: JsonObject): Query[] {
  if (!isJsonObject(asked)) throw badJson('server_keys is missing')
  const servers = Object.entries(asked)
  if (servers.length > mostServers) throw badJson(`more than ${mostServers} servers are asked for at once`)
  return servers.map(([serverName, keys]) => {
    if (!isServerName(serverName) || !isJsonObject(keys)) throw badJson('server_keys names something that is no server')
    const times = Object.values(keys).map((criteria) => (isJsonObject(criteria) ? (criteria['minimum_valid_until_ts'] ?? 0) : undefined))
    if (!times.every((time): time is number => Number.isSafeInteger(time)))
      throw badJson('a minimum_valid_until_ts is no time in milliseconds')
    return { serverName, until: Math.max(0, ...times), keyIds: Object.keys(keys) }
  })
}

async function tell({ home }: Tools, asked: readonly Query[]): Promise<Reply> {
  const { serverName: us, signingKey, keyRing } = home
  const told: JsonObject[] = []
  for (let from = 0; from < asked.length; from += atOnce) {
    const some = asked.slice(from, from + atOnce)
    const found = await Promise.all(
      some.map(async ({ serverName, until, keyIds }) =>
        serverName === us ? [await ownKeys(home)] : keyRing.responsesOf(serverName, until, keyIds),
      ),
    )
    for (const response of found.flat()) told.push(response['server_name'] === us ? response : signJson(response, us, signingKey))
  }
  return { body: { server_keys: told } }
}
