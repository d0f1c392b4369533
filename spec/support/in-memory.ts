import { accessSync, constants, mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

// Loaded before the hooks by the tests, and not by those of faults: they work on the disk.

const memory = '/dev/shm'
const tmpfs = 0x01021994
const enough = 1024 ** 3
const name = 'tombolo-tests-'

/**
 * Folders of specs are in memory where the system has room for them there: what is written is asked of the system as ever, and nobody waits for a disk.
 * The process that is started first removes them all at its end, and what such a one has left behind that was killed.
 */
function beInMemory(): void {
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return
  for (const left of readdirSync(memory)) if (left.startsWith(name) && !isAlive(Number(left.slice(name.length)))) remove(left)
  const own = `${name}${process.pid}`
  mkdirSync(join(memory, own), { recursive: true, mode: 0o755 })
  process.env['TMPDIR'] = join(memory, own)
  process.on('exit', () => remove(own))
}

function hasRoom(): boolean {
  try {
    const { type, bavail, bsize } = statfsSync(memory)
    accessSync(memory, constants.W_OK)
    return type === tmpfs && bavail * bsize >= enough
  } catch {
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function remove(folder: string): void {
  rmSync(join(memory, folder), { recursive: true, force: true })
}

beInMemory()
