import { setImmediate as breathe } from 'node:timers/promises'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { maxNesting, maxSignedNesting, parseLossless, parseStrict } from '../core/lossless-json.ts'
import { parseInSteps } from './json-in-steps.ts'

const atOnce = 32 * 1024

/** Parses an answer, a large one in steps with other work in between; undefined if it holds no JSON object. Numbers stay as they are spelled if `exact`. */
export async function parseAnswer(bytes: Uint8Array, exact = false): Promise<JsonObject | undefined> {
  const parse = exact ? parseLossless : parseStrict
  const levels = exact ? maxSignedNesting : maxNesting
  try {
    if (bytes.length <= atOnce) return objectOf(parse(bytes))
    const steps = parseInSteps(bytes, { parse, levels, atOnce })
    for (;;) {
      const step = steps.next()
      if (step.done) return objectOf(step.value)
      await breathe()
    }
  } catch {
    return undefined
  }
}

/** The former versions of a few endpoints answer with a list of a status and what is meant. */
function objectOf(value: Json): JsonObject | undefined {
  const meant = Array.isArray(value) && value.length === 2 && value[0] === 200 ? value[1] : value
  return isJsonObject(meant) ? meant : undefined
}
