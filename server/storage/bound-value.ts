import type { Value } from './database.ts'

/** What an engine binds: lists have become JSON. */
export type Bound = string | number | null | Uint8Array

/*
 * PostgreSQL has no U+0000 in text, and SQLite's JSON stops there. U+0000 is written as U+0001 U+0001 and U+0001 as U+0001 U+0002: equality and
 * the order of code points stay as they were.
 */
const written = (text: string) =>
  text.includes('\0') || text.includes('\x01') ? text.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01') : text

/** A text as it was before it was bound. */
export function readText(text: string): string {
  return text.includes('\x01') ? text.replaceAll('\x01\x01', '\0').replaceAll('\x01\x02', '\x01') : text
}

const writtenText = (text: string) => written(text.isWellFormed() ? text : text.toWellFormed())

/** What is bound for a value. Throws TypeError for what is no `Value`: undefined, booleans, fractions, numbers beyond 2^53 - 1. */
export function boundValue(value: Value): Bound {
  if (typeof value === 'string') return writtenText(value)
  if (value === null) return null
  if (typeof value === 'number') return checkedNumber(value)
  if (value instanceof Uint8Array) return value
  if (Array.isArray(value)) return JSON.stringify(value.map(boundElement))
  throw new TypeError(`a parameter is ${typeof value}`)
}

function boundElement(element: string | number | null): string | number | null {
  if (typeof element === 'string') return writtenText(element)
  if (element === null) return null
  if (typeof element === 'number') return checkedNumber(element)
  throw new TypeError(`an element of a list is ${typeof element}`)
}

function checkedNumber(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`a parameter is ${value}, which is no safe integer`)
  return value
}

/** Gives the texts of rows back as they were bound; changes the rows in place. */
export function readRows<R>(rows: R[]): R[] {
  for (const row of rows as Record<string, unknown>[]) {
    for (const name in row) {
      const value = row[name]
      if (typeof value === 'string' && value.includes('\x01')) row[name] = readText(value)
    }
  }
  return rows
}
