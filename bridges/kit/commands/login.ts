import type { LoginSecrets } from '../connector.ts'
import { dropLogin, keepLogin } from '../logins.ts'
import { isTransient } from '../matrix/side.ts'
import { ownerOf } from '../owners.ts'
import { transactionId } from '../send.ts'
import { selectLoginByAccount, updateLoginTold } from '../store/logins.store.ts'
import { findLogin, loginsFor } from './chats.ts'
import { type Call, Mistake, type Outcome, type Step } from './desk.ts'

const longestAccount = 256
const longestToken = 4096

/** `login`, `login ACCOUNT`, `login ACCOUNT TOKEN`: what is missing is asked for. */
export async function login(call: Call): Promise<Outcome> {
  const [account, token, ...more] = call.rest.split(/\s+/).filter((word) => word !== '')
  if (more.length > 0) throw new Mistake('Write `login`, and I ask for what I need one by one.')
  if (account !== undefined && token !== undefined) return proveToken(call, account, token)
  return account === undefined ? askAccount(call) : askToken(call, account)
}

/** What was written in answer to a question of the login. */
export async function answerStep(call: Call, step: Step): Promise<Outcome> {
  const answer = call.rest.trim()
  if (/\s/.test(answer)) throw new Mistake('That is more than one word. Send it alone, or write `cancel`.')
  return step.ask === 'account' ? askToken(call, answer) : proveToken(call, step.account, answer)
}

function stepsOf({ connector }: Call['desk']): { account: string; token: string } {
  const plain = { account: 'the id of the account, as the network’s developer pages show it', token: 'an access token for that account' }
  return connector.loginSteps ?? plain
}

function askAccount({ desk }: Call): Outcome {
  const { account } = stepsOf(desk)
  const words = [`To log in to ${desk.connector.info.title} I need two things. First, ${account}.`, 'Or write `cancel`.']
  return { words: words.join('\n'), step: { ask: 'account' } }
}

function askToken(call: Call, account: string): Outcome {
  if (account.length > longestAccount || !/^[\w.-]+$/.test(account))
    throw new Mistake('That is no id of an account. Try again, or `cancel`.')
  const then = 'I remove your message from this room as soon as I have read it. Or write `cancel`.'
  return { words: `Now ${stepsOf(call.desk).token}.\n${then}`, step: { ask: 'token', account } }
}

/** The message with the token is redacted before anything else happens with it. */
async function proveToken(call: Call, account: string, accessToken: string): Promise<Outcome> {
  const { desk, user, level } = call
  const removed = (await redactCommand(call)) ? '' : '\nI may not remove messages in this room: remove the one with the token yourself.'
  const step: Step = { ask: 'token', account }
  if (accessToken.length > longestToken) return { words: `That is too long for a token.${removed}`, step }
  const result = await desk.connector.login({ account, accessToken })
  if (result.kind === 'retry') return { words: `${result.words} Nothing was kept: write \`login\` again later.${removed}`, step: null }
  if (result.kind === 'refused') return { words: `${result.words}\nSend another token, or write \`cancel\`.${removed}`, step }
  const known = selectLoginByAccount(desk.store, desk.vault.blind('account', result.account))
  const owner = known && ownerOf(desk, known.login)
  if (known && owner !== undefined && owner !== user && level !== 'admin') {
    return { words: `This account is connected here already, by somebody else.${removed}`, step: null }
  }
  const secrets = { account: result.account, accessToken }
  let id = ''
  return {
    words: `Connected: ${desk.connector.info.title}${result.name ? ` · ${result.name}` : ''}. Chats appear as people write; \`list\` shows them.${removed}`,
    step: null,
    write: () => {
      id = keepLogin(desk, secrets, result.name, user)
      updateLoginTold(desk.store, id, 'connected')
    },
    after: () => openAgain(call, id, secrets),
  }
}

function openAgain({ desk }: Call, login: string, secrets: LoginSecrets): void {
  void desk.sessions.get(login)?.close()
  desk.sessions.set(login, desk.connector.open(secrets))
  desk.outbox.wake(1)
}

/** Removes the message of a command from its room; false when the bot may not. */
export async function redactCommand({ desk, room, event }: Call): Promise<boolean> {
  try {
    await desk.matrix.redact({ txn: transactionId('redact', event), room, sender: desk.matrix.botUserId, event })
    return true
  } catch (error) {
    if (isTransient(error)) throw error
    return false
  }
}

/** `logout [ACCOUNT]`: forgets the token. Chats stay, and what is queued waits. */
export function logout(call: Call): Outcome {
  const { desk } = call
  const row = findLogin(
    call,
    call.rest,
    loginsFor(call).filter(({ state }) => state !== 'logged_out'),
  )
  return {
    words: `Logged out of ${row.name ?? 'the account'}; its token is erased here. Chats stay, and what is queued waits. \`login\` brings it back.`,
    write: () => {
      dropLogin(desk, row)
      updateLoginTold(desk.store, row.login, 'logged_out')
    },
    after: () => {
      void desk.sessions.get(row.login)?.close()
      desk.sessions.delete(row.login)
    },
  }
}
