import { createHash } from 'node:crypto'
import type { EventId } from '../core/ids.ts'

const atOnce = 2 ** 11
const latest = 2 ** 42 - 1
const belowAll = 2 ** 53
const mostTries = 20

/** The lowest number that a document may have. */
export const lowestDocument = -belowAll + 2

/**
 * The numbers that may name the document of an event without a position, the first that is free is its own: all of them are negative, in the order in
 * which the events were sent. Where too much was sent at one moment, it is strewn over the time before.
 */
export function* numbersOfPast(eventId: EventId, sentAt: number, depth: number): Generator<number> {
  const moment = Math.min(Math.max(Math.floor(sentAt), 1), latest)
  const wanted = moment * atOnce + (depth % atOnce) - belowAll
  yield Math.max(wanted, lowestDocument)
  for (let tries = 1; tries <= mostTries; tries++) {
    const strewn = createHash('sha256').update(`${tries} ${eventId}`).digest().readUIntBE(0, 6) % (4 ** tries * atOnce)
    yield Math.max(wanted - 1 - strewn, lowestDocument)
  }
}

/** When the event of such a document was sent, as far as it is believed. */
export function momentOf(document: number): number {
  return Math.floor((document + belowAll) / atOnce)
}
