import { fork } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoginSecrets } from '../../../bridges/kit/connector.ts'
import type { HubPlan } from '../../../bridges/kit/kit.ts'
import type { GraphSettings } from '../../../bridges/protocols/graph/settings.ts'
import type { Network } from '../../../config/bridge-schema.ts'
import { project } from '../processes.ts'

/** The nth passing, from now on, of a point of this name. */
export type Strike = { readonly point: string; nth: number }
/** What the program takes, as JSON. */
export type StruckOptions = {
  readonly network: Network
  readonly graph: GraphSettings
  readonly registration: string
  readonly homeserverUrl: string
  readonly serverName: string
  readonly dataDir: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly secrets: LoginSecrets
  readonly owner: string
  /** Without it every chat has a room of its own. */
  readonly hub?: HubPlan
  /** From its first step on. */
  readonly strike?: Strike
  /** By how much its clock is ahead. */
  readonly later?: number
}
/** Parent to program: where to end; without, nothing. */
export type Order = { readonly number: number; readonly strike?: Strike }
/** Program to parent. */
export type Word = { readonly url: string } | { readonly reached: string } | { readonly heard: number; readonly bytes: number }

/** A bridge in a process of its own that can be told at which point it is to end. */
export type StruckBridge = {
  readonly pid: number
  readonly url: string
  readonly ended: Promise<NodeJS.Signals | null>
  readonly isEnded: () => boolean
  /** Points that it has passed since this list was emptied last; the last one is where it was struck. */
  readonly passed: string[]
  /** Resolves when it has heard the order, with the bytes that it holds in memory when all waste is thrown away; or when it has ended. */
  order(order: Omit<Order, 'number'>): Promise<number>
  /** Resolves when it has passed no point for a while, or has ended. */
  quiet(): Promise<void>
  kill(): Promise<void>
}

const program = join(project, 'spec/fixtures/programs/struck-bridge.ts')
const quietMs = 80

/** Starts one; undefined when it ended before it listened, as it was told to. Its log grows at the end. Tells at its end what it had passed. */
export async function startStruckBridge(
  options: StruckOptions,
  log: string,
  onEnd: (passed: readonly string[]) => void,
): Promise<StruckBridge | undefined> {
  const descriptor = openSync(log, 'a', 0o600)
  const child = fork(program, [JSON.stringify(options)], {
    cwd: project,
    execArgv: ['--expose-gc'],
    stdio: ['ignore', descriptor, descriptor, 'ipc'],
  })
  closeSync(descriptor)
  const passed: string[] = []
  const waiting = new Map<number, (bytes: number) => void>()
  let latest = performance.now()
  let isEnded = false
  const url = Promise.withResolvers<string | undefined>()
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)))
  void ended.then(() => {
    isEnded = true
    onEnd(passed)
    url.resolve(undefined)
    for (const heard of waiting.values()) heard(Number.NaN)
  })
  child.on('message', (word: Word) => {
    latest = performance.now()
    if ('reached' in word) passed.push(word.reached)
    else if ('heard' in word) waiting.get(word.heard)?.(word.bytes)
    else url.resolve(word.url)
  })
  const listening = await url.promise
  if (listening === undefined) return undefined
  let orders = 0
  return {
    pid: child.pid ?? -1,
    url: listening,
    ended,
    isEnded: () => isEnded,
    passed,
    async order(order) {
      if (isEnded) return Number.NaN
      const number = orders++
      const bytes = await new Promise<number>((resolve) => {
        waiting.set(number, resolve)
        // What cannot be told it any more has ended, which is known a moment later.
        child.send({ ...order, number } satisfies Order, (error) => error && void ended.then(() => resolve(Number.NaN)))
      })
      waiting.delete(number)
      return bytes
    },
    async quiet() {
      latest = performance.now()
      while (!isEnded && performance.now() - latest < quietMs) await sleep(10)
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
