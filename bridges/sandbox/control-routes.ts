import { type Network, networks } from './accounts.ts'
import { asJson } from './api-call.ts'
import type { SandboxControl } from './control.ts'

/** Where each operation of the control stands over HTTP, below `/_sandbox/`. Server and client read this one table. */
export const controlRoutes = {
  accounts: 'GET accounts',
  addPerson: 'POST person',
  say: 'POST say',
  send: 'POST send',
  edit: 'POST edit',
  unsend: 'POST unsend',
  react: 'POST react',
  read: 'POST read',
  view: 'GET view',
  setPerson: 'POST person/set',
  changeNumber: 'POST person/number',
  sayFromInbox: 'POST inbox',
  setWebhook: 'POST webhook',
  setDelivery: 'POST delivery',
  setFault: 'POST fault',
  setToken: 'POST token',
  setCoexistence: 'POST coexistence',
  settle: 'POST settle',
  stats: 'GET stats',
  advance: 'POST clock',
} as const satisfies Record<keyof SandboxControl, string>

type FieldType = 'string' | 'number' | 'boolean' | 'network' | 'object' | 'list'
type Fields = Readonly<Record<string, FieldType>>

const who: Fields = { network: 'network', person: 'string' }
const one: Fields = { network: 'network' }

const sendMarks: Fields = { forwarded: 'string', withheld: 'boolean' }
const waits: Fields = { delayMs: 'number', dropNext: 'number', forgeNext: 'number' }

/** The fields that each operation needs, and those it may have. */
export const controlFields: Readonly<Record<keyof SandboxControl, { needs: Fields; may?: Fields }>> = {
  accounts: { needs: {} },
  addPerson: { needs: { ...one, name: 'string' }, may: { phone: 'string', username: 'string', hidesNumber: 'boolean' } },
  say: { needs: { ...who, text: 'string' }, may: { replyTo: 'string', product: 'string', unsupported: 'string' } },
  send: {
    needs: who,
    may: { files: 'list', cards: 'list', place: 'object', share: 'object', text: 'string', replyTo: 'string', ...sendMarks },
  },
  edit: { needs: { ...who, id: 'string', text: 'string' } },
  unsend: { needs: { ...who, id: 'string' } },
  react: { needs: { ...who, id: 'string' }, may: { emoji: 'string' } },
  read: { needs: who },
  view: { needs: who },
  setPerson: { needs: who, may: { online: 'boolean', blocksBusiness: 'boolean' } },
  changeNumber: { needs: who },
  sayFromInbox: { needs: { ...who, text: 'string' } },
  setWebhook: { needs: { object: 'string', url: 'string', verifyToken: 'string' }, may: { appSecret: 'string' } },
  setDelivery: {
    needs: one,
    may: { extraCopies: 'number', reversed: 'boolean', batch: 'number', held: 'boolean', early: 'boolean', ...waits },
  },
  setFault: { needs: { ...one, kind: 'string' }, may: { at: 'string', when: 'string', times: 'number', error: 'object' } },
  setToken: { needs: one, may: { expired: 'boolean', revoked: 'boolean', expiresInMs: 'number' } },
  setCoexistence: { needs: { on: 'boolean' } },
  settle: { needs: one },
  stats: { needs: one },
  advance: { needs: { ms: 'number' } },
}

/** What is wrong with the fields of an operation, in words; undefined when nothing is. */
export function checkFields(operation: keyof SandboxControl, input: unknown): string | undefined {
  const { needs, may = {} } = controlFields[operation]
  const given = asJson(input)
  const missing = Object.keys(needs).find((name) => given[name] === undefined)
  if (missing !== undefined) return `${missing} is missing`
  const known: Fields = { ...needs, ...may }
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(known, name) ? known[name] : undefined
    if (type === undefined) return `${name} is not known here`
    if (!fits(type, value)) return `${name} must be a ${type}`
  }
  return undefined
}

function fits(type: FieldType, value: unknown): boolean {
  if (type === 'network') return networks.includes(value as Network)
  if (type === 'number') return Number.isSafeInteger(value) && (value as number) >= 0
  if (type === 'list') return Array.isArray(value) && value.length <= 100 && value.every((one) => typeof one === 'object' && one !== null)
  if (type === 'object') return typeof value === 'object' && value !== null
  return typeof value === type && (type !== 'string' || ((value as string).length > 0 && (value as string).length <= 65_536))
}
