import type { Body } from '../server.ts'

/** In what two answers differ, in words: lists of events by their ids, in their order. */
export function differencesOf(near: Body, far: Body, where: string): string[] {
  if (JSON.stringify(near) === JSON.stringify(far)) return []
  if (!isGroup(near) || !isGroup(far) || Array.isArray(near) !== Array.isArray(far))
    return [`${where}: ${words(near)}, but away ${words(far)}`]
  if (!Array.isArray(near)) {
    return [...new Set([...Object.keys(near), ...Object.keys(far)])].flatMap((key) => differencesOf(near[key], far[key], `${where}.${key}`))
  }
  const left: string[] = near.map(nameOf)
  const right: string[] = far.map(nameOf)
  const found = [
    ...near.filter((_, at) => !right.includes(left[at] ?? '')).map((one) => `${where}: only at home ${words(one)}`),
    ...(far as Body[]).filter((_, at) => !left.includes(right[at] ?? '')).map((one) => `${where}: only away ${words(one)}`),
  ]
  if (found.length === 0 && left.join() !== right.join()) found.push(`${where}: in the order ${left.join()}, but away ${right.join()}`)
  const both = near.filter((_, at) => right.includes(left[at] ?? ''))
  return [...found, ...both.flatMap((one) => differencesOf(one, far[right.indexOf(nameOf(one))], `${where}[${nameOf(one)}]`))]
}

function isGroup(value: Body): boolean {
  return typeof value === 'object' && value !== null
}

function nameOf(one: Body): string {
  return String(one?.event_id ?? one?.event?.event_id ?? one?.room_id ?? one?.user_id ?? JSON.stringify(one))
}

function words(value: Body): string {
  return JSON.stringify(value)?.slice(0, 300) ?? 'nothing'
}
