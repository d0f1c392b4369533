import { isJsonObject, type Json } from './json.ts'

/**
 * Splits a dot-separated property path: `content.m\.relates_to` names the property `m.relates_to` of `content`.
 * https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths
 */
export function parsePath(path: string): string[] {
  const names: string[] = []
  let name = ''
  for (let at = 0; at < path.length; at++) {
    const next = path[at + 1]
    if (path[at] === '.') {
      names.push(name)
      name = ''
    } else if (path[at] === '\\' && (next === '.' || next === '\\')) {
      name += next
      at++
    } else {
      name += path[at]
    }
  }
  names.push(name)
  return names
}

/** Reads the property at a path; undefined if there is none. */
export function readPath(value: Json | undefined, names: readonly string[]): Json | undefined {
  let found = value
  for (const name of names) {
    if (!isJsonObject(found) || !Object.hasOwn(found, name)) return undefined
    found = found[name]
  }
  return found
}
