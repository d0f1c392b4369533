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
export type Line = { readonly by: Member; readonly text: string }

const isNetwork = (member: Member): member is Network => member !== 'matrix'

/** One of them says something, on their own network. */
export async function says(scene: Scene, by: Member, text: string): Promise<void> {
  if (isNetwork(by)) await scene.people[by].says(text)
  else await scene.alice.says(text)
}

/**
 * On every network the person must write first; then the chat is a spoke of the hub. Gives nothing that counts: who came later has not read what was said
 * before they came, as in any room.
 */
export async function meetEverybody(scene: Scene): Promise<Line[]> {
  await until('Alice is in the hub', () => scene.alice.room() !== undefined, scene.logs)
  for (const network of networks) {
    const greeting = `${network} is here`
    await scene.people[network].says(greeting)
    await until(`the hub has ${network}`, () => scene.alice.sees().some(({ text }) => text === greeting), scene.logs)
  }
  return []
}

const isGreeting = (text: string) => / is here$/.test(text)

/** What stands before somebody's eyes: `prefix text`, their own lines too, greetings left out. */
export async function viewOf(scene: Scene, who: Member): Promise<string[]> {
  if (!isNetwork(who)) {
    const seen = scene.alice.sees().filter(({ text }) => !isGreeting(text))
    return seen.map(({ from, text, sender }) => (sender === scene.alice.userId ? prefixes.matrix : `${from}: `) + text)
  }
  const seen = (await scene.people[who].sees()).filter(({ text }) => !isGreeting(text))
  return seen.map(({ from, text }) => (from === 'me' ? prefixes[who] : '') + text)
}

/** What should stand there, once each, after all of it was said. */
export function expectedFor(_who: Member, said: readonly Line[]): string[] {
  return said.map(({ by, text }) => prefixes[by] + text)
}
