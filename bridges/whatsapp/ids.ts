import type { RemoteId, RemotePerson } from '../kit/connector.ts'
import type { RemotePerson as GraphPerson } from '../protocols/graph/record.ts'

const bsuid = /^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$/

/** The ids of a person: the business-scoped user id first where there is one, for numbers change hands; then the number. */
export function personFrom({ id, phone, name }: GraphPerson): RemotePerson {
  const stable: RemoteId = bsuid.test(id) ? { kind: 'bsuid', value: id } : { kind: 'phone', value: digitsOf(id) }
  const number: RemoteId[] = phone === undefined || stable.kind === 'phone' ? [] : [{ kind: 'phone', value: digitsOf(phone) }]
  return { ids: [stable, ...number], ...(name === undefined ? {} : { name }) }
}

/** A number is the same with and without its plus sign. */
function digitsOf(phone: string): string {
  return phone.replace(/^\+/, '')
}

/** Whom to write to: the number when it is known, for it always works; else the user id. */
export function recipientOf(ids: readonly RemoteId[]): { phone: string } | { userId: string } {
  const phone = ids.find(({ kind }) => kind === 'phone')
  const userId = ids.find(({ kind }) => kind === 'bsuid')
  if (phone) return { phone: phone.value }
  if (userId) return { userId: userId.value }
  throw new Error('no address on WhatsApp')
}
