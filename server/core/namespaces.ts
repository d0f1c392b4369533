import type { RoomAlias, RoomId, UserId } from './ids.ts'
import { isJsonObject, type Json } from './json.ts'

/** A part of the ids that an application service is interested in. */
export type Namespace = { readonly regex: RegExp; readonly exclusive: boolean }

/** The ids that an application service is interested in. https://spec.matrix.org/v1.19/application-service-api/#registration */
export type ServiceNamespaces = {
  readonly users: readonly Namespace[]
  readonly aliases: readonly Namespace[]
  readonly rooms: readonly Namespace[]
}

/** Reads `namespaces` of a registration. Throws an error in words for whoever wrote the file. */
export function compileNamespaces(value: Json | undefined): ServiceNamespaces {
  if (!isJsonObject(value)) throw new Error('namespaces is not a map')
  return {
    users: compileList(value['users'], 'users'),
    aliases: compileList(value['aliases'], 'aliases'),
    rooms: compileList(value['rooms'], 'rooms'),
  }
}

/** Whether a user, an alias or a room is in the namespaces of an application service, and whether in one that is its alone. */
export function namespaceOf(namespaces: ServiceNamespaces, id: UserId | RoomAlias | RoomId): 'exclusive' | 'shared' | undefined {
  const matching = listFor(namespaces, id).filter(({ regex }) => regex.test(id))
  if (matching.length === 0) return undefined
  return matching.some(({ exclusive }) => exclusive) ? 'exclusive' : 'shared'
}

/** Whether an application service is interested in a user, an alias or a room. */
export function isInNamespace(namespaces: ServiceNamespaces, id: UserId | RoomAlias | RoomId): boolean {
  return listFor(namespaces, id).some(({ regex }) => regex.test(id))
}

function listFor(namespaces: ServiceNamespaces, id: UserId | RoomAlias | RoomId): readonly Namespace[] {
  if (id.startsWith('@')) return namespaces.users
  return id.startsWith('#') ? namespaces.aliases : namespaces.rooms
}

function compileList(list: Json | undefined, name: string): readonly Namespace[] {
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw new Error(`namespaces.${name} is not a list`)
  return list.map((entry) => compileNamespace(entry, name))
}

function compileNamespace(entry: Json, name: string): Namespace {
  if (!isJsonObject(entry) || typeof entry['regex'] !== 'string') throw new Error(`an entry of namespaces.${name} has no regex`)
  if (typeof entry['exclusive'] !== 'boolean') throw new Error(`an entry of namespaces.${name} does not say whether it is exclusive`)
  return { regex: compileRegex(entry['regex'], name), exclusive: entry['exclusive'] }
}

/** A namespace matches from the beginning of an id, as bridges in use expect; it need not reach its end. */
function compileRegex(source: string, name: string): RegExp {
  try {
    return new RegExp(`^(?:${source})`, 'u')
  } catch {
    return compileLoosely(source, name)
  }
}

/** Registrations escape more than the strict syntax allows (`\@`, `\_`). */
function compileLoosely(source: string, name: string): RegExp {
  try {
    return new RegExp(`^(?:${source})`)
  } catch {
    throw new Error(`a regex of namespaces.${name} is not valid: ${source}`)
  }
}
