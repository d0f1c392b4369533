import type { ServerName } from '../ids.ts'
import type { Json, JsonObject } from '../json.ts'

/** What an `Authorization: X-Matrix` header says. https://spec.matrix.org/v1.19/server-server-api/#request-authentication */
export type XMatrix = {
  readonly origin: ServerName
  /** Older servers leave it out. */
  readonly destination: ServerName | undefined
  readonly keyId: string
  readonly signature: string
}

const scheme = /^x-matrix +/i
const name = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*/y
const quoted = /"((?:[^"\\]|\\.)*)"/y
// "The recipient should allow colons to be included in values without requiring the value to be enclosed in quotes."
const bare = /[^\s",]+/y
const comma = /[ \t]*(?:,[ \t]*)+/y
const most = 32

/** Reads the header in every legal spelling; undefined for what is none, for a parameter that stands twice, and where one is missing. */
export function parseXMatrix(header: string): XMatrix | undefined {
  const begin = scheme.exec(header)?.[0].length
  const parameters = begin === undefined ? undefined : readParameters(header.trimEnd(), begin)
  const origin = parameters?.get('origin')
  const keyId = parameters?.get('key')
  const signature = parameters?.get('sig') ?? parameters?.get('signature')
  if (origin === undefined || keyId === undefined || signature === undefined) return undefined
  return { origin, destination: parameters?.get('destination'), keyId, signature }
}

function readParameters(header: string, begin: number): Map<string, string> | undefined {
  const parameters = new Map<string, string>()
  for (let at = begin; at < header.length; ) {
    const [nameText, key] = match(name, header, at) ?? []
    if (nameText === undefined || key === undefined) return undefined
    at += nameText.length
    const [valueText, inside] = match(quoted, header, at) ?? match(bare, header, at) ?? []
    if (valueText === undefined || parameters.has(key.toLowerCase()) || parameters.size >= most) return undefined
    // "A backslash-character pair is replaced by the character that follows the backslash."
    parameters.set(key.toLowerCase(), inside === undefined ? valueText : inside.replace(/\\(.)/g, '$1'))
    at += valueText.length
    if (at === header.length) break
    const between = match(comma, header, at)?.[0]
    if (between === undefined) return undefined
    at += between.length
  }
  return parameters
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** Writes the header as older servers understand it too: one space, lower-case names, quotes, no whitespace. */
export function formatXMatrix({ origin, destination, keyId, signature }: XMatrix & { readonly destination: ServerName }): string {
  return `X-Matrix origin="${origin}",destination="${destination}",key="${keyId}",sig="${signature}"`
}

/**
 * What is signed of a request. `uri` is the path with its query as it stands in the request; `content` the parsed body, undefined where there is none.
 * `destination` is left out when the header of an older server does.
 */
export function signedPart(request: {
  readonly method: string
  readonly uri: string
  readonly origin: ServerName
  readonly destination: ServerName
  readonly content: Json | undefined
}): JsonObject {
  const { content, ...rest } = request
  return content === undefined ? rest : { ...rest, content }
}
