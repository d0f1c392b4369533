import type { NetworkRecord, RemotePerson, Said } from './record.ts'

/**
 * What a record says, without what only its network knows; undefined for what says nothing to a bridge. `personOf` names a person as the bridge does.
 */
export function eventOfRecord<P>(record: NetworkRecord, account: string, personOf: (person: RemotePerson) => P) {
  const chatOf = ({ person }: { person: RemotePerson }) => ({ account, chat: personOf(person) })
  switch (record.type) {
    case 'text':
      return { type: 'message' as const, text: record.text, ...chatOf(record), ...saidIn(record) }
    case 'media':
      return { type: 'media' as const, media: record.media, ...captionOf(record), ...chatOf(record), ...saidIn(record) }
    case 'location':
      return { type: 'location' as const, location: record.location, ...chatOf(record), ...saidIn(record) }
    case 'contacts':
      return { type: 'contacts' as const, contacts: record.contacts, ...chatOf(record), ...saidIn(record) }
    case 'share': {
      const { nativeType, url, title } = record
      const link = { ...(url === undefined ? {} : { url }), ...(title === undefined ? {} : { title }) }
      return { type: 'share' as const, nativeType, ...link, ...captionOf(record), ...chatOf(record), ...saidIn(record) }
    }
    case 'unsupported': {
      const { nativeType } = record
      return { type: 'unsupported' as const, nativeType, ...captionOf(record), ...chatOf(record), ...saidIn(record) }
    }
    case 'reaction': {
      const emoji = record.emoji === undefined ? {} : { emoji: record.emoji }
      return { type: 'reaction' as const, ...emoji, ...chatOf(record), ...aboutIn(record) }
    }
    case 'edit':
      return { type: 'edit' as const, text: record.text, ...chatOf(record), ...aboutIn(record) }
    case 'deleted':
      return { type: 'deleted' as const, ...chatOf(record), ...aboutIn(record) }
    case 'identity':
      return { type: 'identity' as const, ...chatOf(record), was: personOf(record.was), ...timeOf(record) }
    case 'status':
    case 'watermark':
      return progressIn(record, account, personOf)
    default:
      return undefined
  }
}

type Progress = Extract<NetworkRecord, { type: 'status' | 'watermark' }>

/** How far messages of ours got. Who has played a voice message has read it. */
function progressIn<P>(record: Progress, account: string, personOf: (person: RemotePerson) => P) {
  if (record.type === 'watermark') {
    const { state, person, upTo, ids } = record
    const until = upTo === undefined ? {} : { upTo }
    return { type: 'watermark' as const, account, chat: personOf(person), state, ids, ...until, ...timeOf(record) }
  }
  const { id, tag, failure } = record
  const state = record.state === 'played' ? ('read' as const) : record.state
  const why = failure ? { failure: { class: failure.class, words: failure.words } } : {}
  return { type: 'status' as const, account, id, state, ...(tag === undefined ? {} : { tag }), ...why, ...timeOf(record) }
}

function saidIn({ id, own, at, tag, replyTo, forwarded }: Said) {
  return {
    ...{ id, own },
    ...timeOf({ at }),
    ...(tag === undefined ? {} : { tag }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(forwarded === undefined ? {} : { forwarded }),
  }
}

function aboutIn({ target, own, at }: Extract<NetworkRecord, { target: string }>) {
  return { target, own, ...timeOf({ at }) }
}

function timeOf({ at }: { at?: number | undefined }): { at?: number } {
  return at === undefined ? {} : { at }
}

function captionOf({ text }: { text?: string }): { text?: string } {
  return text === undefined ? {} : { text }
}
