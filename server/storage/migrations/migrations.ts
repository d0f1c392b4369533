import { storage } from './0001-storage.ts'
import type { Migration } from './migration.ts'

/** Every step in its order. A folder adds its own with one import and one line. */
export const migrations: readonly Migration[] = [storage]
