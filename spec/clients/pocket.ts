import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installed } from './site.ts'

const python = join(installed, 'rust-sdk', 'python')
const program = join(import.meta.dirname, 'pocket.py')

/** Whether `install-rust-sdk.sh` has run. */
export function isInstalled(): boolean {
  try {
    execFileSync(python, ['-c', 'import matrix_sdk_python'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export type Read = {
  readonly sender: string
  /** Null where it cannot be decrypted. */
  readonly text: string | null
  readonly reactions: readonly string[]
  readonly readers: readonly string[]
  /** Whether the server has it. */
  readonly sent: boolean
}

/** What a person with the Rust SDK can be told to do, as `pocket.py` has it. */
type Deeds = {
  start(): { readonly user: string; readonly device: string }
  stands(): { readonly verification: string; readonly recovery: string; readonly backup: string }
  rooms(): readonly (readonly [room: string, name: string, membership: string])[]
  makes_room(name: string, invited: readonly string[]): string
  joins(room: string): void
  says(room: string, text: string): void
  reacts(room: string, text: string, emoji: string): void
  reads(room: string): readonly Read[]
  scrolls_back(room: string): void
  marks_read(room: string): void
  notified(room: string, event: string): readonly [room: string, sender: string, text: string]
  sends_file(room: string, name: string, text: string): void
  opens_file(room: string, name: string): string
  asks_to_verify(user: string | null): void
  accepts(): void
  begins(): void
  approves(): void
  verifies(): { readonly stage: string; readonly emoji: string | null }
  trusts(user: string): boolean
  enables_recovery(): string
  backs_up(): void
  recovers(key: string): void
  stops(): void
}

export type Pocket = {
  readonly user: string
  readonly device: string
  /** Does one thing, and gives what came of it; rejects with the SDK's words when it fails. */
  does<Deed extends keyof Deeds>(deed: Deed, ...given: Parameters<Deeds[Deed]>): Promise<ReturnType<Deeds[Deed]>>
  /** Ends the process, as when somebody swipes it away; what it kept stays in its folder. */
  end(): Promise<void>
}

type Answer = { readonly id: number; readonly gives?: unknown; readonly fails?: string }

/** Starts a person's client, logged in anew or, where the folder has a session, as it was. */
export async function openPocket(homeserver: string, name: string, password: string, folder: string): Promise<Pocket> {
  const child = spawn(python, [program, homeserver, name, password, folder])
  const does = orders(child)
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  const end = () => {
    child.kill('SIGKILL')
    return ended
  }
  // It tries again for ever what the server answers with 500 and above.
  const late = setTimeout(() => child.kill('SIGKILL'), 50_000)
  const who = await does('start').finally(() => clearTimeout(late))
  return { ...who, does, end }
}

/** Orders to the process and its answers, a line each. What it writes beside them is told when it ends before an answer. */
function orders(child: ChildProcessWithoutNullStreams): Pocket['does'] {
  const waiting = new Map<number, { resolve(gives: unknown): void; reject(error: Error): void }>()
  let count = 0
  let words = ''
  child.stderr.on('data', (chunk) => {
    words = `${words}${chunk}`.slice(-4000)
  })
  createInterface(child.stdout).on('line', (line) => {
    const { id, gives, fails } = JSON.parse(line) as Answer
    const order = waiting.get(id)
    waiting.delete(id)
    if (fails === undefined) order?.resolve(gives)
    else order?.reject(new Error(fails))
  })
  child.on('exit', () => {
    for (const order of waiting.values()) order.reject(new Error(`the client ended: ${words}`))
  })
  return (deed, ...given) => {
    const id = count++
    child.stdin.write(`${JSON.stringify({ id, do: deed, with: given })}\n`)
    return new Promise((resolve, reject) => void waiting.set(id, { resolve: resolve as (gives: unknown) => void, reject }))
  }
}
