import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gunzipSync } from 'node:zlib'
import { exceptions, has } from './exceptions.ts'
import type { Recorded } from './record.ts'
import { readSpecification } from './schemas.ts'

type Specification = ReturnType<typeof readSpecification>
export type Checked = { readonly answers: number; readonly operations: number; readonly violations: readonly string[] }

/** Holds every answer of a recording against the specification's schemas. What is wrong is told once for each place, with one example. */
export async function checkRecording(folder: string, data: string): Promise<Checked> {
  const specification = readSpecification(data)
  const operations = new Set<string>()
  const found = new Map<string, { times: number; example: string }>()
  let answers = 0
  for (const name of readdirSync(folder)) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      const recorded = readLine(line)
      if (!recorded) continue
      answers += 1
      const { operationId, faults } = checkAnswer(specification, recorded)
      if (operationId !== undefined) operations.add(operationId)
      for (const fault of faults) {
        const what = `${operationId ?? recorded.method} ${recorded.status} ${fault}`
        const known = found.get(what)
        const { method, url, body } = recorded
        found.set(what, {
          times: (known?.times ?? 0) + 1,
          example: known?.example ?? `${method} ${url.slice(0, 150)} → ${body.slice(0, 400)}`,
        })
      }
    }
  }
  const violations = [...found].map(([what, { times, example }]) => `${what} (${times} times)\n    ${example}`)
  return { answers, operations: operations.size, violations: violations.sort() }
}

/** A process that was killed may have left half a line. */
function readLine(line: string): Recorded | undefined {
  try {
    const recorded = JSON.parse(line) as Recorded
    return recorded.coding === 'gzip' ? { ...recorded, body: gunzipSync(Buffer.from(recorded.body, 'base64')).toString() } : recorded
  } catch {
    return undefined
  }
}

/** What is wrong with one answer. Errors are held against the general form too, and against that alone where nothing more is said. */
export function checkAnswer(specification: Specification, recorded: Recorded): { operationId: string | undefined; faults: string[] } {
  const { method, url, status, type, body } = recorded
  const path = url.split('?')[0] ?? ''
  const operation = specification.operationOf(method, path)
  const operationId = operation?.operationId
  const said = operation && specification.answerOf(operation, status)
  if (!type.startsWith('application/json')) return { operationId, faults: said?.isJson ? [`is ${type}, not JSON`] : [] }
  const value = parseJson(body)
  if (value === undefined) return { operationId, faults: ['is no JSON'] }
  const excepted = exceptions.filter(({ is }) => is(recorded, value))
  const faults = [
    ...(operation && !said && status < 400 ? ['is a status that the specification does not know here'] : []),
    ...faultsOf(said?.validate, value).filter((fault) => !excepted.some(({ faults: all = /^/ }) => all.test(fault))),
    ...(status >= 400 && !(status === 401 && has(value, 'flows')) ? faultsOf(specification.errors, value) : []),
  ]
  return { operationId, faults: [...new Set(faults)] }
}

function faultsOf(validate: Specification['errors'] | undefined, value: unknown): string[] {
  if (!validate || validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message = '', params }) => {
    const place = generalised(instancePath)
    return `${place === '' ? 'it' : place} ${message}${'additionalProperty' in params ? ` (${params['additionalProperty']})` : ''}`
  })
}

/** Ids, keys and indices say which of many: the place is the same. */
const generalised = (pointer: string) => pointer.replace(/\/(?:\d+|[^/]*[@!$#:%][^/]*|[A-Z]{6,})(?=\/|$)/g, '/*')

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
