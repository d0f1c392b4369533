import { expect } from 'chai'
import type { Verdict } from '../../server/core/verdict.ts'

/** Expects that a rule lets an event pass. */
export function expectAllowed(verdict: Verdict): void {
  expect(verdict).to.deep.equal({ allowed: true })
}

/** Expects that a rule refuses an event, for this reason and no other. */
export function expectRefused(verdict: Verdict, reason: string): void {
  expect(verdict).to.deep.equal({ allowed: false, reason })
}
