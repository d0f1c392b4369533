import { canonicalJson } from '../core/canonical-json.ts'
import type { Filter } from '../core/event-filter.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'
import { parsePath } from '../core/property-path.ts'
import type { StateEvent } from '../graph/graph.ts'

/** Writes an event, given in the client-server format as JSON text, as a filter wants it. */
export type EventShape = (text: string, event: StateEvent) => string

/** The wanted properties by name: whole, or of them again some. */
type Wanted = Map<string, Wanted | 'whole'>

const mostFields = 500
const longestPath = 20
const shapes = new WeakMap<Filter, EventShape>()

/**
 * How a filter wants events: some of their fields alone, or as they travel between servers; undefined for events as they are.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter
 */
export function eventShape(filter: Filter): EventShape | undefined {
  const { event_fields: fields, event_format: format } = filter
  if (fields === undefined && format !== 'federation') return undefined
  const known = shapes.get(filter)
  if (known !== undefined) return known
  // "A server may include more fields than were requested."
  const wanted = fields === undefined || fields.length === 0 || fields.length > mostFields ? undefined : wantedOf(fields)
  const shape: EventShape = (text, event) => {
    const client = parseKept(text) as JsonObject
    const whole = format === 'federation' ? federationFormat(event, client) : client
    return canonicalJson(wanted === undefined ? whole : pick(whole, wanted), false)
  }
  shapes.set(filter, shape)
  return shape
}

/** The event as other servers get it, with its id, and what this server says of it. */
function federationFormat({ pdu, eventId }: StateEvent, { unsigned }: JsonObject): JsonObject {
  return { ...(pdu as unknown as JsonObject), event_id: eventId, ...(unsigned === undefined ? {} : { unsigned }) }
}

function wantedOf(fields: readonly string[]): Wanted {
  const wanted: Wanted = new Map()
  for (const names of fields.map(parsePath)) want(wanted, names.slice(0, longestPath))
  return wanted
}

function want(wanted: Wanted, path: readonly string[]): void {
  let here = wanted
  for (const [at, name] of path.entries()) {
    const inner = here.get(name)
    if (inner === 'whole') return
    if (at === path.length - 1) here.set(name, 'whole')
    else {
      const next: Wanted = inner ?? new Map()
      here.set(name, next)
      here = next
    }
  }
}

function pick(value: JsonObject, wanted: Wanted): JsonObject {
  const entries: [string, Json][] = []
  for (const [name, inner] of wanted) {
    const found = Object.hasOwn(value, name) ? value[name] : undefined
    if (found === undefined) continue
    if (inner === 'whole') entries.push([name, found])
    else if (isJsonObject(found)) {
      const picked = pick(found, inner)
      if (Object.keys(picked).length > 0) entries.push([name, picked])
    }
  }
  return Object.fromEntries(entries)
}
