import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { limitExceeded } from '../core/matrix-error.ts'
import type { ImageJob, ImageResult } from './image-job.ts'

type Answer = ImageResult | { readonly outcome: 'killed' | 'stopped' }
type Waiting = { readonly job: ImageJob; readonly answer: (answer: Answer) => void }
type Options = { readonly most?: number; readonly timeLimit?: number; readonly program?: string }

const mostWaiting = 200
const idleTime = 60_000
/**
 * Kilobytes of writable memory: V8 reserves about 600 MB at its start and uses little of it. No core dumps, and no file may grow: what is made
 * comes back over the channel.
 */
const bounds = 'ulimit -c 0; ulimit -f 0; ulimit -d 1400000; exec "$0" "$@"'
const ownProgram = fileURLToPath(new URL('image-process.ts', import.meta.url))

/** Processes that decode pictures, one picture at a time each: started when needed, ended when idle. */
export class ImageProcesses {
  readonly #line: Waiting[] = []
  readonly #idle = new Map<ChildProcess, NodeJS.Timeout>()
  readonly #all = new Set<ChildProcess>()
  readonly #most: number
  readonly #timeLimit: number
  readonly #program: string
  #stopped = false

  constructor({ most = 2, timeLimit = 10_000, program = ownProgram }: Options = {}) {
    this.#most = most
    this.#timeLimit = timeLimit
    this.#program = program
  }

  /**
   * Has a picture decoded elsewhere. A process that dies of it or takes too long is `killed`, and another takes its place. Throws 429 when
   * too many wait.
   */
  async run(job: ImageJob): Promise<Answer> {
    if (this.#line.length >= mostWaiting) throw limitExceeded(2000)
    if (this.#stopped) return { outcome: 'stopped' }
    return new Promise((answer) => {
      this.#line.push({ job, answer })
      this.#next()
    })
  }

  /** Ends all of them; who waits is told that they were `stopped`. */
  stop(): void {
    this.#stopped = true
    for (const { answer } of this.#line.splice(0)) answer({ outcome: 'stopped' })
    for (const child of this.#all) child.kill('SIGKILL')
  }

  #next(): void {
    if (this.#line.length === 0) return
    const child = this.#wake() ?? (this.#all.size < this.#most ? this.#start() : undefined)
    if (child) this.#ask(child, this.#line.shift()!)
  }

  #start(): ChildProcess {
    const child = spawnBounded(this.#program)
    this.#all.add(child)
    const gone = () => {
      this.#all.delete(child)
      clearTimeout(this.#idle.get(child))
      this.#idle.delete(child)
      this.#next()
    }
    return child.on('exit', gone).on('error', gone)
  }

  #ask(child: ChildProcess, { job, answer }: Waiting): void {
    setReferenced(child, true)
    const end = (result: Answer) => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onEnd).off('error', onEnd)
      answer(result)
    }
    const onMessage = (result: unknown) => {
      end(result as ImageResult)
      this.#rest(child)
      this.#next()
    }
    const onEnd = () => end({ outcome: this.#stopped ? 'stopped' : 'killed' })
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#timeLimit)
    child.on('message', onMessage).on('exit', onEnd).on('error', onEnd)
    // A child that cannot be told has ended, and says so itself.
    child.send(job, () => {})
  }

  #rest(child: ChildProcess): void {
    setReferenced(child, false)
    this.#idle.set(child, setTimeout(() => child.kill('SIGKILL'), idleTime).unref())
  }

  #wake(): ChildProcess | undefined {
    const [child, timer] = [...this.#idle].at(-1) ?? []
    clearTimeout(timer)
    if (child) this.#idle.delete(child)
    return child
  }
}

function spawnBounded(program: string): ChildProcess {
  const options: SpawnOptions = {
    // Nothing of the server's environment: it may hold secrets.
    env: { NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  }
  const command = [process.execPath, '--max-old-space-size=64', program]
  if (process.platform === 'win32') return spawn(command[0]!, command.slice(1), options)
  return spawn('/bin/sh', ['-c', bounds, ...command], options)
}

/** A process that only waits keeps nobody from ending. */
function setReferenced(child: ChildProcess, referenced: boolean): void {
  const [of, channel] = [child, child.channel]
  if (referenced) {
    of.ref()
    channel?.ref()
  } else {
    of.unref()
    channel?.unref()
  }
}
