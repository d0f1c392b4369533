import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import type { AppService } from '../http/endpoint.ts'
import { askService, isTaken, isUnknownPath } from '../people/ask-appservice.ts'
import { instanceIdOf } from '../people/services.ts'
import type { Egress } from '../remote/egress.ts'

const patience = 10_000
const largest = 1024 * 1024
const mostFound = 1000

/** What a service answers below `thirdparty`, under the path of today or that of old services; undefined when it has nothing to say. */
export async function askNetwork(egress: Egress, service: AppService, path: string): Promise<Json | undefined> {
  if (service.url === null) return undefined
  const asking = { method: 'GET', timeoutMs: patience, limit: largest } as const
  const first = await askService(egress, service, `/_matrix/app/v1/thirdparty/${path}`, asking)
  const answer = isUnknownPath(first) ? await askService(egress, service, `/_matrix/app/unstable/thirdparty/${path}`, asking) : first
  if (!answer.ok || !isTaken(answer)) return undefined
  try {
    return JSON.parse(answer.body.toString()) as Json
  } catch {
    return undefined
  }
}

/** What several services found; only what has the key that names it, and is of this form. */
export async function askAll(
  egress: Egress,
  services: readonly AppService[],
  path: string,
  key: 'alias' | 'userid',
): Promise<JsonObject[]> {
  const answers = await Promise.all(services.map((service) => askNetwork(egress, service, path)))
  const found = answers.flatMap((answer) => (Array.isArray(answer) ? answer : []))
  const isFound = (one: Json): one is JsonObject =>
    isJsonObject(one) && typeof one[key] === 'string' && typeof one['protocol'] === 'string' && isJsonObject(one['fields'])
  return found.filter(isFound).slice(0, mostFound)
}

/** What a network asks for and where it is, put together from all services that speak it; undefined when none says so. */
export async function askProtocol(egress: Egress, services: readonly AppService[], protocol: string): Promise<JsonObject | undefined> {
  const speaking = services.filter(({ protocols }) => protocols.includes(protocol))
  const answers = await Promise.all(speaking.map((service) => askNetwork(egress, service, `protocol/${encodeURIComponent(protocol)}`)))
  const first = answers.find((answer) => isJsonObject(answer))
  if (first === undefined) return undefined
  const instances = answers.flatMap((answer, at) => instancesOf(speaking[at]!, answer))
  const lists = { user_fields: listOf(first['user_fields']), location_fields: listOf(first['location_fields']) }
  const types = isJsonObject(first['field_types']) ? first['field_types'] : {}
  return { ...lists, icon: typeof first['icon'] === 'string' ? first['icon'] : '', field_types: types, instances }
}

/** "The instances are modified by the homeserver … to include an `instance_id`". */
function instancesOf(service: AppService, answer: Json | undefined): JsonObject[] {
  const instances = isJsonObject(answer) && Array.isArray(answer['instances']) ? answer['instances'].filter(isJsonObject) : []
  return instances.map((instance) => {
    const { network_id: network } = instance
    return typeof network === 'string' ? { ...instance, instance_id: instanceIdOf(service, network) } : instance
  })
}

function listOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
