import type { RemoteId, RemotePerson } from '../kit/connector.ts'
import type { RemotePerson as GraphPerson } from '../protocols/graph/record.ts'

/** The one id that Instagram gives of a person: theirs towards this account alone. */
export function personFrom({ id, name }: GraphPerson): RemotePerson {
  return { ids: [{ kind: 'igsid', value: id }], ...(name === undefined ? {} : { name }) }
}

/** Whom to write to. */
export function recipientOf(ids: readonly RemoteId[]): string {
  const id = ids.find(({ kind }) => kind === 'igsid')
  if (!id) throw new Error('no address on Instagram')
  return id.value
}
