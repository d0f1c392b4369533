import type { Mishap } from '../seat.ts'

/** A message of the pigeon post: numbered, and changed where it stands. */
export type Letter = {
  readonly number: number
  readonly byBusiness: boolean
  text: string
  readonly answers?: number
  readonly parcel?: Buffer
  edited: boolean
  burnt: boolean
}
export type Answer = { readonly kind: 'taken'; readonly number: number } | { readonly kind: 'no'; readonly why: Mishap | 'token' | 'burnt' }

/**
 * A network made up for the suite, unlike the others: it lives in this process, speaks lines of words, numbers its letters, lets both sides change and
 * burn what they wrote, carries parcels without a word on them, and knows no reactions, receipts, typing or windows.
 */
export type PigeonPost = {
  readonly letters: Letter[]
  readonly parcels: Map<number, Buffer>
  tokenIsGood: boolean
  /** The business speaks. */
  post(letter: Pick<Letter, 'text' | 'answers' | 'parcel'>): Answer
  change(number: number, text: string | undefined): Answer
  /** Lines for the bridge. */
  cry(line: string): void
}

export const token = 'a ring for the leg'

/** The side of it that only its people see. */
export type PigeonOffice = PigeonPost & {
  /** How the next letter of the business fares. */
  next: Mishap | undefined
  /** The number of the next letter. */
  count(): number
}

export function createPigeonPost(send: (line: string) => void): PigeonOffice {
  let number = 0
  const post: PigeonOffice = {
    letters: [],
    parcels: new Map(),
    tokenIsGood: true,
    next: undefined,
    post({ text, answers, parcel }) {
      const { next } = post
      post.next = undefined
      if (!post.tokenIsGood) return { kind: 'no', why: 'token' }
      if (next !== undefined && next !== 'answer lost, done all the same') return { kind: 'no', why: next }
      const letter = { number: ++number, byBusiness: true, text, edited: false, burnt: false }
      post.letters.push({ ...letter, ...(answers === undefined ? {} : { answers }), ...(parcel ? { parcel } : {}) })
      if (next !== undefined) return { kind: 'no', why: next }
      send(`landed ${number}`)
      return { kind: 'taken', number }
    },
    change(which, text) {
      const letter = post.letters.find((one) => one.number === which)
      if (!letter || letter.burnt) return { kind: 'no', why: 'burnt' }
      if (text === undefined) letter.burnt = true
      else Object.assign(letter, { text, edited: true })
      return { kind: 'taken', number: which }
    },
    cry: send,
    count: () => ++number,
  }
  return post
}
