import type { SeenMessage } from '../../bridges/sandbox/control.ts'
import { png } from '../bridges/kit/media/crafted-files.ts'
import { type Member, members, prefixes } from './cast.ts'
import type { Network, Part, Scene } from './scene.ts'

/** What happens in an evening's conversation; messages are named by their words. */
export type Act =
  | { kind: 'says'; by: Member; text: string; answers?: string; kill?: Part; kept?: Network }
  | { kind: 'shows'; by: Member; text: string }
  | { kind: 'reacts'; by: Member; emoji: string; to: string }
  | { kind: 'corrects'; by: Member; text: string; was: string }
  | { kind: 'passes'; hours: number; words: string }

export const evening: readonly Act[] = [
  { kind: 'says', by: 'instagram', text: 'Is the blue bike still for sale? 🚲' },
  { kind: 'says', by: 'matrix', text: 'Yes! 120 euros, lock included', answers: 'Is the blue bike still for sale? 🚲' },
  { kind: 'shows', by: 'whatsapp', text: 'Here it is' },
  { kind: 'reacts', by: 'instagram', emoji: '😍', to: 'Here it is' },
  { kind: 'says', by: 'messenger', text: 'I can bring it on Sunday', answers: 'Here it is' },
  { kind: 'corrects', by: 'messenger', was: 'I can bring it on Sunday', text: 'I can bring it on Saturday' },
  { kind: 'says', by: 'whatsapp', text: 'At ten, by the old bridge?', kill: 'messenger' },
  { kind: 'says', by: 'matrix', text: 'Ten is fine', answers: 'At ten, by the old bridge?', kill: 'server' },
  { kind: 'passes', hours: 23, words: '23 hours later' },
  { kind: 'says', by: 'instagram', text: 'Looking forward to it!' },
  { kind: 'says', by: 'whatsapp', text: 'Me too' },
  { kind: 'passes', hours: 2, words: 'two more hours later: Ben has not written for a day, so Messenger takes no answers to him' },
  { kind: 'says', by: 'matrix', text: 'The bike is washed', kept: 'messenger' },
  { kind: 'says', by: 'messenger', text: 'Sorry, busy day! Still on?' },
  { kind: 'says', by: 'matrix', text: 'Yes, see you there', answers: 'Sorry, busy day! Still on?' },
]

const picture = png({ width: 16, height: 16 })
const longestQuote = 24

function quote(words: string): string {
  return `“${words.length > longestQuote ? `${words.slice(0, longestQuote).trimEnd()}…` : words}”`
}

/** A message before somebody's eyes: who said it, as it is shown to them, and what. */
type Standing = {
  readonly id: string
  readonly lead: string
  readonly words: string
  readonly files: number
  readonly edited: boolean
  readonly replyTo: string | undefined
  readonly emojis: readonly string[]
}

/** What stands before somebody's eyes, line by line: each message with what it answers, and the reactions to it. */
export async function linesOf(scene: Scene, who: Member): Promise<string[]> {
  const messages = await messagesOf(scene, who)
  const lines = messages.flatMap(({ lead, words, files, edited, replyTo, emojis }) => {
    const target = replyTo === undefined ? undefined : messages.find(({ id }) => id === replyTo)
    const answers = target ? `↩ ${quote(target.words)} ` : ''
    const said = `${lead}${answers}${words}${' 🏞️'.repeat(files)}${edited ? ' ✎' : ''}`.trim()
    return [said, ...emojis.map((emoji) => `${emoji} ${quote(words)}`)]
  })
  return lines.filter((line) => !/ is here$/.test(line))
}

async function messagesOf(scene: Scene, who: Member): Promise<Standing[]> {
  if (who !== 'matrix') return (await scene.people[who].sees()).map((seen) => standingOn(who, seen))
  return scene.alice.sees().map(({ event, sender, from, text, content, replyTo, edited, reactions }) => ({
    ...{ id: event, words: text, replyTo, edited: edited === true, files: content['file'] ? 1 : 0 },
    lead: sender === scene.alice.userId ? prefixes.matrix : `${from}: `,
    emojis: reactions.map(({ emoji }) => emoji),
  }))
}

function standingOn(who: Network, { id, from, text, files = [], replyTo, edited, reactions = [] }: SeenMessage): Standing {
  const prefix = Object.values(prefixes).find((one) => text.startsWith(one)) ?? ''
  const lead = from === 'me' ? prefixes[who] : prefix
  const words = from === 'me' ? text : text.slice(prefix.length)
  return { id, lead, words, files: files.length, edited: edited === true, replyTo, emojis: reactions.map(({ emoji }) => emoji) }
}

/** Does what an act says, as its person does it on their own network. */
export async function perform(scene: Scene, act: Exclude<Act, { kind: 'passes' }>): Promise<void> {
  const { by } = act
  const find = async (words: string) => {
    const found = (await messagesOf(scene, by)).find((one) => one.words === words)
    if (!found) throw new Error(`${by} does not see “${words}”`)
    return found.id
  }
  const alice = by === 'matrix' ? scene.alice : undefined
  const person = by === 'matrix' ? undefined : scene.people[by]
  if (act.kind === 'says') {
    const options = act.answers === undefined ? {} : { replyTo: await find(act.answers) }
    await (alice ?? person)?.says(act.text, options)
  } else if (act.kind === 'shows') {
    await alice?.sends({ kind: 'm.image', mime: 'image/png', name: 'bike.png', bytes: picture, caption: act.text })
    await person?.sends({ files: [{ kind: 'image', mime: 'image/png', data: picture.toString('base64') }], text: act.text })
  } else if (act.kind === 'reacts') await (alice ?? person)?.reacts(await find(act.to), act.emoji)
  else await (alice ?? person)?.edits(await find(act.was), act.text)
}

type Expected = string | RegExp

/** What everybody should see when acts are done: each line once. */
export function expectedOf(acts: readonly Act[], who: Member): Expected[] {
  const lines: Expected[] = []
  const by = (author: Member, words: string, answers?: string) =>
    prefixes[author] + (answers === undefined ? '' : `↩ ${quote(answers)} `) + words
  for (const [at, act] of acts.entries()) {
    // What is kept for somebody comes when they write.
    const isKept = act.kind === 'says' && act.kept === who && !acts.slice(at).some((later) => later.kind === 'says' && later.by === who)
    if (act.kind === 'says' && !isKept) lines.push(by(act.by, act.text, act.answers))
    if (act.kind === 'says' && act.kept && who === 'matrix') lines.push(/^Messenger bridge: ↩ “.*” Ben Berg: .*24 hours/)
    if (act.kind === 'shows') lines.push(...pictureLines(act, who))
    if (act.kind === 'reacts') lines.push(`${act.emoji} ${quote(act.to)}`)
    if (act.kind === 'corrects') lines.splice(0, lines.length, ...corrected(lines, acts, act, who))
  }
  return lines
}

/** Where a picture's caption is a message of its own, the picture follows it. */
function pictureLines({ by, text }: Extract<Act, { kind: 'shows' }>, who: Member): string[] {
  const captioned = who === 'matrix' || who === 'whatsapp' || who === by
  return captioned ? [`${prefixes[by]}${text} 🏞️`] : [prefixes[by] + text, '🏞️']
}

/** The message is another one where a network can change it, and is followed by words where it cannot. */
function corrected(lines: readonly Expected[], acts: readonly Act[], act: Extract<Act, { kind: 'corrects' }>, who: Member): Expected[] {
  const { by, was, text } = act
  if (who !== 'matrix' && who !== by) return [...lines, `${prefixes[by]}↩ ${quote(was)} ✏️ Corrected: ${text}`]
  const original = acts.find((one) => one.kind === 'says' && one.text === was)
  const answers = original?.kind === 'says' && original.answers !== undefined ? `↩ ${quote(original.answers)} ` : ''
  return lines.map((line) => (line === prefixes[by] + answers + was ? `${prefixes[by]}${answers}${text} ✎` : line))
}

/** What is wrong with what somebody sees: what is missing, what stands there too often, and any phone number. */
export function faultsIn(seen: readonly string[], acts: readonly Act[], who: Member, numbers: readonly string[]): string[] {
  const left = [...seen]
  const missing = expectedOf(acts, who).filter((expected) => {
    const at = left.findIndex((line) => (typeof expected === 'string' ? line === expected : expected.test(line)))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  const numbered = seen.filter((line) => numbers.some((number) => line.replace(/\D/g, '').includes(number.slice(-7))))
  return [
    ...missing.map((line) => `misses “${line}”`),
    ...left.map((line) => `sees too often, or should not see, “${line}”`),
    ...numbered.map(() => 'sees a phone number'),
  ]
}

/** Who said a line, as a place among the members; undefined for what nobody of them said. */
export function speakerOf(line: string): number | undefined {
  const at = members.findIndex((who) => line.startsWith(prefixes[who]))
  return at < 0 ? undefined : at
}
