import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { recordingFolder } from './answers/record.ts'

/** The folder of the project: where programs are named from. */
export const project = join(import.meta.dirname, '..', '..')
const recorder = join(import.meta.dirname, 'answers/record.ts')

export type Ready = { line: RegExp } | { url: string }
export type Start = {
  args: readonly string[]
  log: string
  ready?: Ready
  env?: Record<string, string>
  cwd?: string
  within?: number
  command?: string
}
export type Running = {
  readonly pid: number
  readonly log: string
  /** The line that said it was ready, where that was asked for. */
  readonly line: RegExpExecArray | undefined
  /** Resolves with what it ended with, whenever that is. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** SIGTERM, and SIGKILL when that is not heard within 10 s. Gives the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  output(): string
}

/** What no process of a spec does: ask the world outside. */
const inside: Readonly<Record<string, string>> = { TOMBOLO_FEDERATION_TRUSTED_KEY_SERVERS: '[]' }

const alive = new Map<ChildProcess, Promise<unknown>>()
const folders = new Set<string>()

process.on('exit', () => {
  for (const child of alive.keys()) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Ends what a test left running; a root hook of mocha calls it when all specs are done. */
export async function killAll(): Promise<void> {
  const left = [...alive]
  for (const [child] of left) child.kill('SIGKILL')
  await Promise.all(left.map(([, ended]) => ended))
}

/** A folder of one's own below the temporary folder, removed when the tests end. */
export function temporaryFolder(name = 'tombolo'): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  folders.add(folder)
  return folder
}

/** Removes such a folder now. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

const portsEach = 1500
/** Ports that no system hands out by itself, so that nothing takes one while what listens on it is started again; the processes of a parallel run share none. */
const firstPort = 10_000 + (Number(process.env['MOCHA_WORKER_ID'] ?? 3) % 4) * portsEach
let portsGiven = randomInt(portsEach)

/** A port that is free, and is given to nobody else soon; prefer to let the process listen on 0 and say what it got. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < portsEach; tried += 1) {
    const port = firstPort + (portsGiven++ % portsEach)
    if (await isFree(port)) return port
  }
  throw new Error(`no port is free from ${firstPort} to ${firstPort + portsEach - 1}`)
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** The server on a configuration file. */
export function startServer(config: string, start: Omit<Start, 'args'>): Promise<Running> {
  return startProcess({ ...start, args: [join(project, 'server/start.mjs'), '--config', config] })
}

/**
 * Starts a process (Node, unless `command` names another) and waits until it is ready: a line of its output fits, or a URL answers 200.
 * What it says goes to the log, new lines at the end. Rejects with the log when it ends before that or is not ready within a minute.
 */
export async function startProcess({
  args,
  log,
  ready,
  env = {},
  cwd = project,
  within = 60_000,
  command = process.execPath,
}: Start): Promise<Running> {
  const from = sizeOf(log)
  const descriptor = openSync(log, 'a', 0o600)
  const recorded = command === process.execPath && process.env[recordingFolder] !== undefined ? ['--import', recorder] : []
  const child = spawn(command, [...recorded, ...args], {
    cwd,
    env: { ...process.env, ...inside, ...env },
    stdio: ['ignore', descriptor, descriptor],
  })
  closeSync(descriptor)
  let broken: Error | undefined
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('error', (error) => {
      broken = error
      resolve({ code: null, signal: null })
    })
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  alive.set(child, ended)
  void ended.then(() => alive.delete(child))
  const output = () => readFileSync(log, 'utf8').slice(from)
  const running = { ...handle(child, ended), log, output }
  const line = await untilReady(child, output, ready, within).catch(async (error: Error) => {
    await running.kill()
    throw new Error(`${command} ${args.join(' ')}: ${broken?.message ?? error.message}\n${output().slice(-4000)}`)
  })
  return { ...running, line }
}

function handle(child: ChildProcess, ended: Running['ended']) {
  const signal = (name: NodeJS.Signals) => void child.kill(name)
  const kill = async () => {
    signal('SIGKILL')
    await ended
  }
  const stop = async () => {
    signal('SIGTERM')
    const patience = setTimeout(() => signal('SIGKILL'), 10_000)
    const { code } = await ended
    clearTimeout(patience)
    return code
  }
  return { pid: child.pid ?? -1, ended, signal, kill, stop }
}

async function untilReady(
  child: ChildProcess,
  output: () => string,
  ready: Ready | undefined,
  within: number,
): Promise<RegExpExecArray | undefined> {
  const latest = performance.now() + within
  while (ready) {
    const line = 'line' in ready ? ready.line.exec(output()) : undefined
    if (line || ('url' in ready && (await answers(ready.url)))) return line ?? undefined
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) throw new Error('ended before it was ready')
    if (performance.now() > latest) throw new Error(`not ready within ${within / 1000} s`)
    await sleep(20)
  }
  return undefined
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    async (response) => {
      await response.body?.cancel()
      return response.status === 200
    },
    () => false,
  )
}

function sizeOf(log: string): number {
  try {
    return readFileSync(log, 'utf8').length
  } catch {
    return 0
  }
}
