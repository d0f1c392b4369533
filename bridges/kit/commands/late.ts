import { inWords, releaseLogin } from '../outbound/kept.ts'
import { chooseLateRules, lateRulesOf } from '../outbound/late-rules.ts'
import { findLogin, loginsFor } from './chats.ts'
import { type Call, Mistake, type Outcome } from './desk.ts'

const asked = /^(keep|refuse|agent|no agent)(?:\s+(.*))?$/i

/** `late keep|refuse|agent|no agent [ACCOUNT]`: what becomes of what is written after the network has stopped taking answers; without a word, how it is. */
export function late(call: Call): Outcome {
  const { desk } = call
  const { title } = desk.connector.info
  const { agentWindowMs } = desk.connector
  const [, word = '', account = word === '' ? call.rest : ''] = asked.exec(call.rest.trim()) ?? []
  const choice = word.toLowerCase()
  if (choice === '' && account !== '' && !loginsFor(call).some(({ name }) => name === account))
    throw new Mistake('Write `late keep`, `late refuse`, `late agent` or `late no agent`.')
  const { login, name } = findLogin(call, account)
  const { messages, humanAgent, keepMs } = lateRulesOf(desk, login)
  if (choice === '') {
    const agent = agentWindowMs === undefined ? '' : humanAgent ? ` You answer as a human for ${inWords(agentWindowMs)}.` : ''
    return { words: `${name ?? 'The account'}: ${messages === 'keep' ? keepWords(keepMs) : refuseWords}${agent}` }
  }
  if (choice.endsWith('agent') && agentWindowMs === undefined) throw new Mistake(`${title} has no longer time for human agents.`)
  const changed = choice.endsWith('agent') ? { humanAgent: choice === 'agent' } : { messages: choice as 'keep' | 'refuse' }
  const words = {
    keep: keepWords(keepMs),
    refuse: refuseWords,
    agent: `You answer as a human for ${inWords(agentWindowMs ?? 0)} after they wrote. Meta must have granted your app “Human Agent”.`,
    'no agent': `You have ${inWords(desk.connector.replyWindowMs ?? 0)} to answer, as everybody.`,
  }
  return {
    words: words[choice as keyof typeof words],
    write: () => {
      chooseLateRules(desk, login, changed)
      releaseLogin(desk, login)
    },
    after: () => desk.outbox.wake(1),
  }
}

const refuseWords = 'What you write too late is refused, and you are told.'

function keepWords(ms: number): string {
  return `What you write too late is kept for ${inWords(ms)}, and goes out when they write again.`
}
