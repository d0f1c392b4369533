import { compileGlob } from '../glob.ts'
import type { ServerName } from '../ids.ts'
import type { Json, JsonObject } from '../json.ts'

type Rule = (host: string) => boolean

const compiled = new WeakMap<JsonObject, Rule>()
const ipv4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/

/**
 * Whether a server may take part in a room whose `m.room.server_acl` has this content; undefined where the room has none. What the content says
 * is made ready once for each event. https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl
 */
export function isAllowedByAcl(content: JsonObject | undefined, server: ServerName): boolean {
  // "If there is no m.room.server_acl event in the room state, allow."
  if (content === undefined) return true
  let rule = compiled.get(content)
  if (rule === undefined) {
    rule = compile(content)
    compiled.set(content, rule)
  }
  return rule(hostOf(server))
}

function compile({ allow_ip_literals: ipLiterals, allow, deny }: JsonObject): Rule {
  const [allowed, denied] = [matchAny(allow), matchAny(deny)]
  return (host) => {
    // "If the server name is an IP address (v4 or v6) literal, and allow_ip_literals is present and false, deny."
    if (ipLiterals === false && (host.startsWith('[') || ipv4.test(host))) return false
    // "If the server name matches an entry in the deny list, deny. If the server name matches an entry in the allow list, allow. Otherwise, deny."
    return !denied(host) && allowed(host)
  }
}

/** What is no list matches nobody, what is no text in it neither. */
function matchAny(patterns: Json | undefined): Rule {
  const globs = (Array.isArray(patterns) ? patterns : [])
    .filter((pattern) => typeof pattern === 'string')
    .map((pattern) => compileGlob(pattern, { ignoreCase: true }))
  return (host) => globs.some((matches) => matches(host))
}

/** "The suspect server's port number must not be considered." A dot at the end makes no other host of a name. */
function hostOf(server: ServerName): string {
  return server.replace(/:[0-9]*$/, '').replace(/\.+$/, '')
}
