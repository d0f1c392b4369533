export type MediaFaultClass =
  /** Beyond a bound of ours, or of the homeserver. */
  | 'too large'
  /** An address that media are not fetched from. */
  | 'forbidden'
  | 'unreachable'
  | 'timeout'
  /** There is no such media, or no longer. */
  | 'gone'
  /** The other side said no. */
  | 'refused'
  /** The bytes are not those that were promised. */
  | 'corrupted'
  /** The spool is full for now. */
  | 'no space'
  | 'aborted'

/** Why media could not be moved: a class for decisions and words for a person, in which no address, token or name stands. */
export class MediaFailure extends Error {
  readonly class: MediaFaultClass
  /** The same may work later. */
  readonly transient: boolean
  constructor(of: MediaFaultClass, words: string, transient = false) {
    super(words)
    this.class = of
    this.transient = transient
  }
}
