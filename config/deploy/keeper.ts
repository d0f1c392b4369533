import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export type Program = {
  readonly name: string
  /** The file that Node runs, and its arguments; asked anew at each start. */
  readonly args: () => readonly string[]
  readonly env: () => Readonly<Record<string, string | undefined>>
  readonly log: string
  /** Given what the process has written since it started: the answer once it is ready. */
  readonly isReady: (written: string) => boolean | Promise<boolean>
  /** After every start, the first one and those after a crash. */
  readonly whenReady: (written: string) => void | Promise<void>
}
export type Keeper = { readonly ready: Promise<void>; stop(): Promise<void>; kill(): void }

const withParent = pathToFileURL(join(import.meta.dirname, 'with-parent.mjs')).href
const largestLog = 10 * 1024 * 1024
const [firstPause, longestPause, settled] = [1000, 60_000, 60_000]

/**
 * Starts a program and keeps it running: after a crash it is started again, later each time. `ready` rejects when the first start fails.
 * `stop` sends SIGTERM, and SIGKILL when that is not heard within 15 s. `say` gets a line for people whenever something happens.
 */
export function keep(program: Program, say: (line: string) => void): Keeper {
  const state: { child: ChildProcess | undefined; ending: boolean; wake: AbortController } = {
    child: undefined,
    ending: false,
    wake: new AbortController(),
  }
  let live: Promise<void> = Promise.resolve()
  const ready = new Promise<void>((resolve, reject) => {
    live = run(program, state, say, resolve, reject)
  })
  ready.catch(() => undefined)
  return {
    ready,
    async stop() {
      state.ending = true
      state.wake.abort()
      state.child?.kill('SIGTERM')
      const patience = setTimeout(() => state.child?.kill('SIGKILL'), 15_000)
      await live
      clearTimeout(patience)
    },
    kill: () => void state.child?.kill('SIGKILL'),
  }
}

type State = { child: ChildProcess | undefined; ending: boolean; wake: AbortController }

async function run(
  program: Program,
  state: State,
  say: (line: string) => void,
  up: () => void,
  down: (reason: Error) => void,
): Promise<void> {
  let pause = firstPause
  for (let isFirst = true; !state.ending; isFirst = false) {
    const startedAt = performance.now()
    const start = launch(program)
    state.child = start.child
    const isUp = await becomesReady(program, start, state).catch((error: Error) => {
      say(`${program.name} is started anew: ${error.message}`)
      start.child.kill('SIGKILL')
      return false
    })
    if (isUp) up()
    if (isUp && !isFirst) say(`${program.name} runs again`)
    const how = await start.ended
    state.child = undefined
    if (state.ending) break
    if (!isUp && isFirst)
      return down(
        new Error(
          `${program.name} ended before it was ready (${how}). Its last words, from ${program.log}:\n${lastWords(start.written())}`,
        ),
      )
    pause = performance.now() - startedAt > settled ? firstPause : Math.min(pause * 2, longestPause)
    say(`${program.name} ended (${how}); it is started again in ${pause / 1000} s. Its log: ${program.log}`)
    await sleep(pause, undefined, { signal: state.wake.signal }).catch(() => undefined)
  }
}

type Launch = { child: ChildProcess; ended: Promise<string>; written: () => string; isOver: () => boolean }

/** A group of its own, so that Ctrl-C reaches this process alone, which then ends the others in order. */
function launch({ args, env, log }: Program): Launch {
  rotate(log)
  const from = sizeOf(log)
  const descriptor = openSync(log, 'a', 0o600)
  const child = spawn(process.execPath, ['--import', withParent, ...args()], {
    env: env(),
    stdio: ['ignore', descriptor, descriptor, 'ipc'],
    detached: true,
  })
  closeSync(descriptor)
  let over = false
  const ended = new Promise<string>((resolve) => {
    const end = (how: string) => {
      over = true
      resolve(how)
    }
    child.once('exit', (code, signal) => end(signal ?? `code ${code}`))
    child.once('error', (error) => end(error.message))
  })
  return { child, ended, written: () => readFileSync(log).subarray(from).toString(), isOver: () => over }
}

async function becomesReady({ isReady, whenReady }: Program, { written, isOver }: Launch, state: State): Promise<boolean> {
  while (!isOver() && !state.ending) {
    if (await isReady(written())) {
      await whenReady(written())
      return true
    }
    await sleep(50)
  }
  return false
}

/** Without the frames of stacks, which push the message out. */
function lastWords(written: string): string {
  const lines = written.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  return lines
    .slice(-12)
    .map((line) => `  ${line}`)
    .join('\n')
}

function rotate(log: string): void {
  if (sizeOf(log) > largestLog) renameSync(log, `${log}.1`)
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
