import { compileGlob } from '../glob.ts'
import type { ServerName } from '../ids.ts'
import type { Json, JsonObject } from '../json.ts'

/** A room with a list may be asked about by every server at every turn: each list is made ready once. */
const ready = new WeakMap<JsonObject, (server: string) => boolean>()

/**
 * Whether a server may take part in a room, by the content of its `m.room.server_acl`; undefined where the room has none.
 * https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl
 */
export function isServerAllowed(acl: JsonObject | undefined, server: ServerName): boolean {
  // If there is no m.room.server_acl event in the room state, allow.
  if (acl === undefined) return true
  const host = hostOf(server)
  // If the server name is an IP address (v4 or v6) literal, and allow_ip_literals is present and false, deny.
  if (acl['allow_ip_literals'] === false && isIpLiteral(host)) return false
  const matches = ready.get(acl) ?? compile(acl)
  ready.set(acl, matches)
  return matches(host)
}

function compile({ deny, allow }: JsonObject): (host: string) => boolean {
  const denied = listOf(deny)
  const allowed = listOf(allow)
  // If the server name matches an entry in the deny list, deny. If it matches an entry in the allow list, allow. Otherwise, deny.
  return (host) => !denied.some((matches) => matches(host)) && allowed.some((matches) => matches(host))
}

function listOf(value: Json | undefined) {
  if (!Array.isArray(value)) return []
  return value.filter((pattern) => typeof pattern === 'string').map((pattern) => compileGlob(pattern, { ignoreCase: true }))
}

/** "The suspect server's port number must not be considered"; nor is a dot at the end of a DNS name, which means the same host. */
function hostOf(server: ServerName): string {
  return server.replace(/:[0-9]+$/, '').replace(/\.+$/, '')
}

function isIpLiteral(host: string): boolean {
  return host.startsWith('[') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)
}
