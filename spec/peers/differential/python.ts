import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installed } from '../../clients/site.ts'

const python = join(installed, 'synapse', 'bin', 'python')
/** So many questions are under way at once: one side works on the next while the other one answers. */
const ahead = 3

/** So much of an example is printed. */
const mostShown = 20_000

/** Skips a suite, with a line, where Synapse is not installed. */
export function needSynapse(context: Mocha.Context): void {
  try {
    execFileSync(python, ['-c', 'import synapse.event_auth'], { stdio: 'ignore' })
  } catch {
    process.stdout.write('  The comparisons with Synapse are skipped: it is not installed (spec/peers/README.md).\n')
    context.skip()
  }
}

/** How much is compared: what the environment variable says, or else `fallback`. */
export function countOf(variable: string, fallback: number): number {
  return Number(process.env[variable] ?? fallback)
}

/** Asks a script beside this file, line by line in JSON, what it makes of each question; `judge` gets both in their order. */
export async function compare<Question, Answer>(
  script: string,
  questions: Iterable<Question>,
  write: (question: Question) => string,
  judge: (question: Question, answer: Answer) => void,
): Promise<void> {
  const child = spawn(python, [join(import.meta.dirname, script)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const asked: Question[] = []
  const hear = async () => {
    const { value, done } = await answers.next()
    if (done) throw new Error(`${script} has ended`)
    judge(asked.shift() as Question, JSON.parse(value) as Answer)
  }
  try {
    for (const question of questions) {
      asked.push(question)
      child.stdin.write(`${write(question)}\n`)
      if (asked.length > ahead) await hear()
    }
    while (asked.length > 0) await hear()
  } finally {
    child.kill()
  }
}

/** Counts things by name. */
export class Tally {
  private readonly counts = new Map<string, number>()

  add(name: string): void {
    this.counts.set(name, this.of(name) + 1)
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }

  /** One line for each name, the most frequent first. */
  lines(): string[] {
    return [...this.counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `    ${String(count).padStart(9)}  ${name}\n`)
  }
}

/** What is told otherwise, and how often; of each kind the first one is kept to be looked at. */
export class Differences {
  private readonly kinds = new Map<string, { count: number; first: string }>()

  add(kind: string, example: string): void {
    const known = this.kinds.get(kind)
    if (known === undefined) this.kinds.set(kind, { count: 1, first: example.slice(0, mostShown) })
    else known.count++
  }

  /** The kinds by name; each is written out with its first example. */
  told(): string[] {
    return [...this.kinds].map(([kind, { count, first }]) => {
      process.stdout.write(`    ${count} times: ${kind}:\n      ${first}\n`)
      return kind
    })
  }
}
