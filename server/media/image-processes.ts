import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { limitExceeded } from '../core/matrix-error.ts'
import type { ImageJob, ImageResult } from './image-job.ts'

export type ImageProcesses = {
  /**
   * Has a picture decoded elsewhere. A process that dies of it or takes too long is `killed`, and another takes its place. Throws 429 when
   * too many wait.
   */
  readonly run: (job: ImageJob) => Promise<ImageResult | { readonly outcome: 'killed' }>
  readonly stop: () => void
}

type Answer = Awaited<ReturnType<ImageProcesses['run']>>
type Waiting = { readonly job: ImageJob; readonly answer: (answer: Answer) => void }
type Options = { readonly most?: number; readonly timeLimit?: number; readonly idleTime?: number; readonly program?: string }

const mostWaiting = 200
/**
 * Kilobytes of writable memory: V8 reserves about 600 MB at its start and uses little of it. No core dumps, and no file may grow: what is made
 * comes back over the channel.
 */
const bounds = 'ulimit -c 0; ulimit -f 0; ulimit -d 1400000; exec "$0" "$@"'
const ownProgram = fileURLToPath(new URL('image-process.ts', import.meta.url))

/** Processes that decode pictures, one picture at a time each: started when needed, ended when idle. */
export function createImageProcesses({
  most = 2,
  timeLimit = 10_000,
  idleTime = 60_000,
  program = ownProgram,
}: Options = {}): ImageProcesses {
  const line: Waiting[] = []
  const idle = new Map<ChildProcess, NodeJS.Timeout>()
  const all = new Set<ChildProcess>()
  let stopped = false

  function next(): void {
    if (line.length === 0) return
    const child = wake() ?? (all.size < most ? start() : undefined)
    if (child) ask(child, line.shift()!)
  }

  function start(): ChildProcess {
    const child = spawnBounded(program)
    all.add(child)
    child.on('exit', () => gone(child)).on('error', () => gone(child))
    return child
  }

  function gone(child: ChildProcess): void {
    all.delete(child)
    clearTimeout(idle.get(child))
    idle.delete(child)
    next()
  }

  function ask(child: ChildProcess, { job, answer }: Waiting): void {
    setReferenced(child, true)
    const end = (result: Answer) => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onEnd).off('error', onEnd)
      answer(result)
    }
    const onMessage = (result: unknown) => {
      end(result as ImageResult)
      rest(child)
      next()
    }
    const onEnd = () => end({ outcome: 'killed' })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeLimit)
    child.on('message', onMessage).on('exit', onEnd).on('error', onEnd)
    // A child that cannot be told has ended, and says so itself.
    child.send(job, () => {})
  }

  function rest(child: ChildProcess): void {
    setReferenced(child, false)
    idle.set(child, setTimeout(() => child.kill('SIGKILL'), idleTime).unref())
  }

  function wake(): ChildProcess | undefined {
    const [child, timer] = [...idle].at(-1) ?? []
    clearTimeout(timer)
    if (child) idle.delete(child)
    return child
  }

  return {
    run(job) {
      if (line.length >= mostWaiting) throw limitExceeded(2000)
      return new Promise((answer) => {
        if (stopped) return answer({ outcome: 'killed' })
        line.push({ job, answer })
        next()
      })
    },
    stop() {
      stopped = true
      for (const { answer } of line.splice(0)) answer({ outcome: 'killed' })
      for (const child of all) child.kill('SIGKILL')
    },
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
