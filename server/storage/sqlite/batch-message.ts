import { type Bound, boundValue } from '../bound-value.ts'
import type { Part, Write } from '../database.ts'

/** One item of a batch on its way to the writer: `true` announces bytes, followed by their offset and length in the arena. */
type Item = string | number | boolean | null

/** A batch as it crosses to the writer thread: everything flat, the bytes in one transferred buffer. */
export type BatchMessage = {
  readonly statements: readonly (readonly [number, string])[]
  readonly items: readonly Item[]
  readonly bytes: ArrayBuffer
}

export type WriterPart = {
  readonly room: { readonly id: string; readonly version: number } | undefined
  readonly guards: readonly WriterStatement[]
  readonly writes: readonly WriterStatement[]
  /** Kind and key in turn. */
  readonly log: readonly string[]
}
export type WriterStatement = { readonly id: number; readonly parameters: readonly Bound[]; readonly expectsRow: boolean }

export type BatchEncoder = {
  /** Adds a part. Throws, leaving the batch as it was, when a parameter is no `Value`. */
  readonly add: (part: Part) => void
  readonly end: () => BatchMessage
}

/** Begins a batch. `known` are the ids of the statements whose text the writer has; those of this batch are added at its end. */
export function batchEncoder(known: Set<number>): BatchEncoder {
  const items: Item[] = []
  const blobs: Uint8Array[] = []
  const texts = new Map<number, string>()
  let size = 0

  function put({ statement, parameters }: Write, expectsRow: boolean): void {
    items.push(statement.id, expectsRow, parameters.length)
    if (!known.has(statement.id)) texts.set(statement.id, statement.sql)
    for (const value of parameters) {
      const bound = boundValue(value)
      if (!(bound instanceof Uint8Array)) items.push(bound)
      else {
        items.push(true, size, bound.length)
        blobs.push(bound)
        size += bound.length
      }
    }
  }
  function putAll(part: Part): void {
    items.push(part.room?.id ?? null, part.room?.version ?? 0, part.guards?.length ?? 0)
    for (const guard of part.guards ?? []) put(guard, guard.expects === 'row')
    items.push(part.writes.length)
    for (const write of part.writes) put(write, false)
    items.push(part.log?.length ?? 0)
    for (const row of part.log ?? []) items.push(boundValue(row.kind) as string, boundValue(row.key) as string)
  }

  return {
    add(part) {
      const mark = { items: items.length, blobs: blobs.length, size }
      try {
        putAll(part)
      } catch (error) {
        items.length = mark.items
        blobs.length = mark.blobs
        size = mark.size
        throw error
      }
    },
    end() {
      const bytes = new Uint8Array(size)
      let offset = 0
      for (const blob of blobs) {
        bytes.set(blob, offset)
        offset += blob.length
      }
      for (const id of texts.keys()) known.add(id)
      return { statements: [...texts], items, bytes: bytes.buffer }
    },
  }
}

/** Reads the parts of a batch on the writer's side. */
export function decodeBatch({ items, bytes }: BatchMessage): WriterPart[] {
  let place = 0
  const next = () => items[place++] as never
  const many = <T>(read: () => T) => Array.from({ length: next() as number }, read)
  const value = (): Bound => {
    const item: Item = next()
    return item === true ? new Uint8Array(bytes, next(), next()) : (item as Bound)
  }
  const statement = (): WriterStatement => ({ id: next(), expectsRow: next(), parameters: many(value) })
  const parts: WriterPart[] = []
  while (place < items.length) {
    const id: string | null = next()
    const version: number = next()
    const guards = many(statement)
    const writes = many(statement)
    const log = many(() => [next(), next()] as [string, string]).flat()
    parts.push({ room: id === null ? undefined : { id, version }, guards, writes, log })
  }
  return parts
}
