/** What went wrong with a call, as a class on which a bridge decides. */
export type FailureClass =
  | 'window_closed'
  | 'rate_limited'
  | 'pair_rate'
  | 'recipient_unreachable'
  | 'account_restricted'
  | 'policy_drop'
  | 'credentials'
  | 'payment'
  | 'registration'
  | 'template'
  | 'group'
  | 'unsupported'
  | 'media'
  | 'media_type'
  | 'media_gone'
  | 'too_large'
  | 'damaged'
  | 'parameter'
  | 'server'
  | 'network'
  | 'other'

/**
 * - `refused`: it did not happen, and the same call will not happen later either (until somebody does what the words say);
 * - `retry`: it surely did not happen, and may be tried again after `retryAfterMs`;
 * - `unknown`: it may have happened. Never to be sent again without evidence.
 */
export type FailureKind = 'refused' | 'retry' | 'unknown'

export interface GraphFailure {
  kind: FailureKind
  class: FailureClass
  /** For a person to read: what to do next. Fixed sentences, so no token, number or text of a message can stand in them. */
  words: string
  status?: number
  code?: number
  subcode?: number
  retryAfterMs?: number
  /** Meta's own trace id, to quote to its support. */
  trace?: string
}
