/** What a rule of Matrix answers: allowed, or refused with the reason in words. */
export type Verdict = { allowed: true } | { allowed: false; reason: string }

/** The verdict of a rule that lets the event pass. */
export const allow: Verdict = Object.freeze({ allowed: true })

/** Makes the verdict of a rule that refuses an event; the reason is for logs and for `M_FORBIDDEN` errors. */
export function refuse(reason: string): Verdict {
  return { allowed: false, reason }
}
