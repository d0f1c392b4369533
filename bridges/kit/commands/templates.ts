import type { Template } from '../connector.ts'
import { nameOf } from '../ghosts.ts'
import { queuePart } from '../hub/relay.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { clip, findLogin } from './chats.ts'
import { type Call, type Desk, Mistake, type Outcome } from './desk.ts'

const mostListed = 50
const longestValue = 1024
const howTo = 'In the room of a chat, `!tombolo template NAME` sends one, with a line after it for each value.'

/** `templates [ACCOUNT]`: what may be sent at any time. */
export async function templates(call: Call): Promise<Outcome> {
  const { login } = findLogin(call, call.rest)
  return listTemplates(call.desk, login)
}

/** The templates of an account, one a line. Throws a Mistake where there are none. */
export async function listTemplates(desk: Desk, login: string): Promise<Outcome> {
  const all = await askTemplates(desk, login)
  const lines = all
    .slice(0, mostListed)
    .map(({ name, language, text }) => `• \`${name}\` (${language}): ${text.replace(/\s*\n\s*/g, ' · ')}`)
  const more = all.length > mostListed ? [`… and ${all.length - mostListed} more`] : []
  return { words: ['These may be sent at any time:', ...lines, ...more, howTo].join('\n') }
}

async function askTemplates({ sessions, connector }: Desk, login: string): Promise<readonly Template[]> {
  const { title } = connector.info
  const session = sessions.get(login)
  if (!session) throw new Mistake('The account is logged out. Write `login` in our direct chat to bring it back.')
  if (!session.templates) throw new Mistake(`${title} has no templates: wait until they write again.`)
  const result = await session.templates()
  if (result.kind !== 'templates') throw new Mistake(`${title} did not give its templates. ${result.words}`)
  if (result.templates.length === 0)
    throw new Mistake('No template of this account is approved and wants words alone. They are made in Meta’s WhatsApp Manager.')
  return result.templates
}

/** `template NAME`, with a line (or a part after `|`) for each value: goes to the person of a chat. Throws a Mistake that says what is missing. */
export async function sendTemplate({ desk, event, room, rest }: Call, chat: PortalRow): Promise<Outcome> {
  const [first = '', ...after] = rest.split(/\r?\n|\|/).map((line) => line.replace(/\s+/gu, ' ').trim())
  const [name = '', wanted] = first.split(/[ /]/)
  const values = after.filter((value) => value !== '')
  const template = choose(await askTemplates(desk, chat.login), name, wanted)
  const { slots, text } = template
  if (values.length !== slots.length)
    throw new Mistake(
      `\`${template.name}\` wants ${slots.length} ${slots.length === 1 ? 'value' : 'values'}, each on a line of its own: ${text}`,
    )
  if (values.some((value) => value.length > longestValue)) throw new Mistake(`A value has ${longestValue} characters at most.`)
  const filled = text.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, slot: string) => values[slots.indexOf(slot)] ?? whole)
  const words = `“${filled}” goes to ${nameOf(desk, chat.contact)}. When they answer, you can write to them again, and what was kept goes out.`
  return {
    words,
    write: () => queuePart(desk, { kind: 'template', event, room, portal: chat.portal }, JSON.stringify({ template, values })),
    after: () => desk.outbox.wake(),
  }
}

function choose(all: readonly Template[], name: string, language: string | undefined): Template {
  const named = all.filter((template) => template.name === name.toLowerCase())
  const [found, ...more] = language === undefined ? named : named.filter((template) => template.language === language)
  const lines = (named.length > 0 ? named : all).slice(0, mostListed).map((template) => `• \`${template.name}/${template.language}\``)
  if (found && more.length === 0) return found
  if (name === '') throw new Mistake(['Which one?', ...lines].join('\n'))
  throw new Mistake(
    [found ? 'Say in which language:' : `There is no template “${clip(name)}” that may be sent. These may:`, ...lines].join('\n'),
  )
}
