import { networks } from '../../config/bridge-schema.ts'
import { type Network, type Scene, until } from './scene.ts'

export const members = ['matrix', ...networks] as const
export type Member = (typeof members)[number]

/** How each is called in front of what they say, where another reads it. */
export const prefixes: Readonly<Record<Member, string>> = {
  matrix: 'Alice (Matrix): ',
  whatsapp: 'Ana (WhatsApp): ',
  messenger: 'Ben Berg (Messenger): ',
  instagram: 'Carla (Instagram): ',
}
export const names: Readonly<Record<Member, string>> = { matrix: 'Alice', whatsapp: 'Ana', messenger: 'Ben Berg', instagram: 'Carla' }
export type Line = { readonly by: Member; readonly text: string }

const isNetwork = (member: Member): member is Network => member !== 'matrix'

/** One of them says something, on their own network. */
export async function says(scene: Scene, by: Member, text: string): Promise<void> {
  if (isNetwork(by)) await scene.people[by].says(text)
  else await scene.alice.says(text)
}

/**
 * On every network the person must write first; then the chat is a spoke of the hub. These greetings do not count: who comes later has not
 * read what was said before, as in any room.
 */
export async function meetEverybody(scene: Scene): Promise<void> {
  await until('Alice is in the hub', () => scene.alice.room() !== undefined, scene.logs)
  for (const network of networks) {
    const greeting = `${names[network]} is here`
    await scene.people[network].says(greeting)
    await until(`the hub has ${network}`, () => scene.alice.sees().some(({ text }) => text === greeting), scene.logs)
  }
}

const isGreeting = (text: string) => / is here$/.test(text)

/** What stands before somebody's eyes, line by line, each with who says it; their own lines too. */
export async function fullViewOf(scene: Scene, who: Member): Promise<string[]> {
  if (!isNetwork(who)) {
    return scene.alice.sees().map(({ from, text, sender }) => (sender === scene.alice.userId ? prefixes.matrix : `${from}: `) + text)
  }
  return (await scene.people[who].sees()).map(({ from, text }) => (from === 'me' ? prefixes[who] : '') + text)
}

/** The same without the greetings. */
export async function viewOf(scene: Scene, who: Member): Promise<string[]> {
  return (await fullViewOf(scene, who)).filter((line) => !isGreeting(line))
}

/** What should stand there, once each, after all of it was said. */
export function expectedFrom(said: readonly Line[]): string[] {
  return said.map(({ by, text }) => prefixes[by] + text)
}

/** What is wrong with a view: what is missing, what stands there twice or should not, and any phone number. */
export function faultsOf(view: readonly string[], said: readonly Line[], numbers: readonly string[]): string[] {
  const expected = expectedFrom(said)
  const missing = expected.filter((line) => !view.includes(line)).map((line) => `misses "${line}"`)
  const surplus = view.filter((line, index) => !expected.includes(line) || view.indexOf(line) !== index)
  const numbered = view.filter((line) => numbers.some((number) => line.replace(/\D/g, '').includes(number.slice(-7))))
  return [...missing, ...surplus.map((line) => `sees too often "${line}"`), ...numbered.map(() => 'sees a phone number')]
}
