/** A step of the schema. Steps only expand; a recorded step is never changed, only followed by another. */
export type Migration = {
  /** Its file's name, which is also its place in the order. */
  readonly id: string
  /** Portable SQL, one statement each (`TEXT`, `BIGINT`, `BLOB`), run after the engine's own. */
  readonly statements: readonly string[]
  readonly postgres?: readonly string[]
  readonly sqlite?: readonly string[]
}
