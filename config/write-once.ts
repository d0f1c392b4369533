import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes a file for its owner's eyes (0600) unless it is there: whole or not at all, also when two processes start at once or one is killed.
 * Says whether it was this call that made it.
 */
export function writeOnce(file: string, content: string): boolean {
  if (existsSync(file)) return false
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = writeDraft(file, content)
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(draft)
  }
}

/** Puts new content in the place of a file (or where a link leads), whole or not at all; it stays for its owner's eyes (0600), also when somebody else does it for them. */
export function replaceFile(link: string, content: string): void {
  const file = realpathSync(link)
  const { uid, gid } = statSync(file)
  const draft = writeDraft(file, content)
  try {
    const made = statSync(draft)
    if (made.uid !== uid || made.gid !== gid) chownSync(draft, uid, gid)
    renameSync(draft, file)
  } catch (error) {
    unlinkSync(draft)
    throw error
  }
}

function writeDraft(file: string, content: string): string {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    writeSync(descriptor, content)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  return draft
}
