import { compileGlob } from '../../core/glob.ts'
import { serverNameOf, type UserId } from '../../core/ids.ts'
import type { Json, JsonObject } from '../../core/json.ts'

/** What becomes of an invitation: it is let through, it is not shown to whom it is for, or it is refused. */
export type InvitePermission = 'allow' | 'ignore' | 'block'

/** What a user has said about invitations, and those whom the user ignores. */
export type InviteWishes = {
  /** The content of `m.invite_permission_config`. */
  readonly config: JsonObject | undefined
  /** The content of `org.matrix.msc4155.invite_permission_config`. */
  readonly rules: JsonObject | undefined
  readonly ignored: ReadonlySet<UserId>
}

type Rule = (name: string) => InvitePermission | undefined

/** Patterns beyond these match nothing. */
const mostPatterns = 500

/**
 * Tells what becomes of an invitation by whom. Who is named is judged before the server that they are of, and what allows before what ignores or
 * blocks. https://spec.matrix.org/v1.19/client-server-api/#invite-permission and https://github.com/matrix-org/matrix-spec-proposals/pull/4155
 */
export function invitePermission({ config, rules, ignored }: InviteWishes): (inviter: UserId) => InvitePermission {
  if (config?.['default_action'] === 'block') return () => 'block'
  if (rules === undefined || rules['enabled'] === false) return (inviter) => (ignored.has(inviter) ? 'ignore' : 'allow')
  const users = ruleOf(rules, 'users')
  const servers = ruleOf(rules, 'servers')
  return (inviter) => (ignored.has(inviter) ? 'ignore' : (users(inviter) ?? servers(serverNameOf(inviter)) ?? 'allow'))
}

function ruleOf(rules: JsonObject, what: 'users' | 'servers'): Rule {
  const allows = anyOf(rules[`allowed_${what}`])
  const ignores = anyOf(rules[`ignored_${what}`])
  const blocks = anyOf(rules[`blocked_${what}`])
  return (name) => {
    if (allows(name)) return 'allow'
    if (ignores(name)) return 'ignore'
    return blocks(name) ? 'block' : undefined
  }
}

function anyOf(list: Json | undefined): (name: string) => boolean {
  const texts = Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []
  const literal = new Set(texts)
  const wild = texts.filter((text) => /[*?]/.test(text)).slice(0, mostPatterns)
  const globs = wild.map((pattern) => compileGlob(pattern))
  return (name) => literal.has(name) || globs.some((matches) => matches(name))
}
