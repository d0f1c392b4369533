import type { JsonObject } from '../core/json.ts'
import { missingParam, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { askAll, askProtocol } from './ask-networks.ts'

const base = '/_matrix/client/v3/thirdparty'
const get = { method: 'GET', auth: 'access_token', body: 'none', rate: 'other' } as const

/** The operations of `third_party_lookup.yaml`: what application services say of their networks. https://spec.matrix.org/v1.19/client-server-api/#third-party-networks */
export function thirdPartyLookup(tools: Tools): Endpoint[] {
  const { home, people } = tools
  const of = (path: string, operationId: string, handle: (call: Call<'access_token'>) => Promise<Reply>) =>
    endpoint({ ...get, path: `${base}${path}`, aliases: [`/_matrix/client/r0/thirdparty${path}`], operationId, handle })
  return [
    of('/protocols', 'getProtocols', async () => ({ body: await allProtocols(tools) })),
    of('/protocol/{protocol}', 'getProtocolMetadata', async ({ params }) => {
      const found = await askProtocol(home.egress, people.services, params['protocol'] ?? '')
      if (found === undefined) throw notFound('no such network is bridged here')
      return { body: found }
    }),
    of('/location/{protocol}', 'queryLocationByProtocol', (call) => byProtocol(tools, call, 'location')),
    of('/user/{protocol}', 'queryUserByProtocol', (call) => byProtocol(tools, call, 'user')),
    of('/location', 'queryLocationByAlias', (call) => byId(tools, call, 'location')),
    of('/user', 'queryUserByID', (call) => byId(tools, call, 'user')),
  ]
}

type What = 'location' | 'user'
const keys = { location: 'alias', user: 'userid' } as const

async function allProtocols({ home, people }: Tools): Promise<JsonObject> {
  const names = [...new Set(people.services.flatMap(({ protocols }) => protocols))]
  const found = await Promise.all(names.map(async (name) => ({ name, protocol: await askProtocol(home.egress, people.services, name) })))
  return Object.fromEntries(found.flatMap(({ name, protocol }) => (protocol === undefined ? [] : [[name, protocol] as const])))
}

async function byProtocol({ home, people }: Tools, { params, query }: Call<'access_token'>, what: What): Promise<Reply> {
  const protocol = params['protocol'] ?? ''
  const speaking = people.services.filter(({ protocols }) => protocols.includes(protocol))
  if (speaking.length === 0) throw notFound('no such network is bridged here')
  const fields = new URLSearchParams(query)
  for (const own of ['access_token', 'user_id', 'device_id']) fields.delete(own)
  const asked = fields.size === 0 ? '' : `?${fields}`
  const found = await askAll(home.egress, speaking, `${what}/${encodeURIComponent(protocol)}${asked}`, keys[what])
  return { body: JSON.stringify(found) }
}

async function byId({ home, people }: Tools, { query }: Call<'access_token'>, what: What): Promise<Reply> {
  const key = keys[what]
  const id = query.get(key)
  if (id === null || id === '') throw missingParam(`\`${key}\` is missing`)
  const bridging = people.services.filter(({ protocols }) => protocols.length > 0)
  const found = await askAll(home.egress, bridging, `${what}?${new URLSearchParams({ [key]: id })}`, key)
  if (found.length === 0) throw notFound('nothing is known of it on any network')
  return { body: JSON.stringify(found) }
}
