import { nearest } from '../../../config/nearest.ts'
import { clip } from './chats.ts'
import type { Step } from './desk.ts'
import { type Call, Mistake, type Outcome } from './desk.ts'
import { late } from './late.ts'
import { list, state } from './list.ts'
import { answerStep, login, logout, redactCommand } from './login.ts'
import { connect, createHub, disconnect, open } from './rooms.ts'
import { sendAgain } from './send-again.ts'
import { templates } from './templates.ts'

type Command = {
  readonly name: string
  readonly usage: string
  readonly words: string
  run(call: Call): Outcome | Promise<Outcome>
}

/** All there are, in the order in which help shows them. */
export const commands: readonly Command[] = [
  { name: 'help', usage: 'help', words: 'this list', run: help },
  { name: 'list', usage: 'list', words: 'your accounts with their state, chats, shared rooms, and what is queued', run: list },
  { name: 'state', usage: 'state', words: 'how it stands with your accounts, since when, and what to do', run: state },
  { name: 'login', usage: 'login', words: 'connect an account with its token; I ask for what I need', run: login },
  { name: 'logout', usage: 'logout [ACCOUNT]', words: 'erase the token of an account; its chats stay', run: logout },
  { name: 'open', usage: 'open CHAT', words: 'be invited to the room of a chat', run: open },
  { name: 'hub create', usage: 'hub create NAME', words: 'make a room that people of several apps may share', run: createHub },
  { name: 'connect', usage: 'connect CHAT HUB', words: 'ask the person of a chat into a shared room', run: connect },
  { name: 'disconnect', usage: 'disconnect CHAT', words: 'take a chat out of its shared room', run: disconnect },
  {
    name: 'send again',
    usage: 'send again NUMBER',
    words: 'send once more what may not have arrived; `list` shows the numbers',
    run: sendAgain,
  },
  {
    name: 'templates',
    usage: 'templates [ACCOUNT]',
    words: 'what may be sent at any time, where the network has such a thing',
    run: templates,
  },
  {
    name: 'late',
    usage: 'late keep|refuse|agent|no agent [ACCOUNT]',
    words: 'what becomes of what you write after the network has stopped taking answers',
    run: late,
  },
  { name: 'cancel', usage: 'cancel', words: 'stop what I am asking for', run: cancel },
]

function help({ desk }: Call): Outcome {
  const lines = commands.map(({ usage, words }) => `• \`${usage}\` — ${words}`)
  const names = 'CHAT is a person’s name, or the four letters after it in `list`. In the room of a chat I listen to `!tombolo help`.'
  return { words: [`I am the ${desk.connector.info.title} bridge. In this room I understand:`, ...lines, names].join('\n') }
}

function cancel(): Outcome {
  return { words: 'Nothing is asked for any more.', step: null }
}

// A token of Meta, wherever it stands: it is not to stay in the room.
const token = /\bEAA[A-Za-z0-9]{20,}/

/**
 * Runs what somebody wrote, or takes it as the answer to what was asked last. Never throws for what people write: a mistake is answered with what is
 * meant, or the nearest command.
 */
export async function runCommand(call: Omit<Call, 'rest'>, text: string, step: Step | undefined): Promise<Outcome> {
  const written = text.trim().replace(/^[!/](?:tombolo\s+)?(?=\w)/i, '')
  const found = commandIn(written)
  try {
    if (found && (!step || found.rest === '')) return await found.command.run({ ...call, rest: found.rest })
    if (step) return await answerStep({ ...call, rest: written }, step)
    if (token.test(written)) return await strayToken({ ...call, rest: '' })
    return unknown(written)
  } catch (error) {
    if (error instanceof Mistake) return { words: error.message }
    throw error
  }
}

function commandIn(written: string): { command: Command; rest: string } | undefined {
  const words = written.split(/\s+/)
  for (const length of [2, 1]) {
    const command = commands.find(({ name }) => name === words.slice(0, length).join(' ').toLowerCase())
    if (command) return { command, rest: words.slice(length).join(' ') }
  }
  return undefined
}

async function strayToken(call: Call): Promise<Outcome> {
  const removed = (await redactCommand(call)) ? 'I have removed it from the room.' : 'Remove it from the room yourself.'
  return { words: `That looks like an access token. ${removed} Write \`login\` to use it.` }
}

function unknown(written: string): Outcome {
  const words = written.toLowerCase().split(/\s+/)
  const names = commands.map(({ name }) => name)
  const begun = names.find((name) => words[0] !== '' && name.split(' ')[0] === words[0])
  const near = begun ?? nearest(words.slice(0, 2).join(' ').slice(0, 30), names) ?? nearest((words[0] ?? '').slice(0, 30), names)
  const usage = commands.find(({ name }) => name === near)?.usage
  const hint = usage ? ` Did you mean \`${usage}\`?` : ''
  return { words: `I do not know “${clip(written)}”.${hint} \`help\` shows what I understand.` }
}
