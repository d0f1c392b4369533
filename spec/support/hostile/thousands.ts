import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { listEndpoints } from '../../../server/homeserver.ts'
import { createLog } from '../../../server/http/log.ts'
import { randomNumbers } from '../random-json.ts'
import { type Engine, startServer, type TestServer } from '../server.ts'
import { bodyOf, pathOf, sendAll, setStage, targetOf, type Wire, wireTo } from './client.ts'
import { bodies, queryValues, requestBodies, requestQueries, segments, spoiled } from './inputs.ts'

type Endpoint = Omit<ReturnType<typeof listEndpoints>[number], 'aliases'>
type Ids = Readonly<Record<string, string>>

/** What may stay behind in memory: rooms and accounts that were made, filled caches, compiled code. */
const kept = 64 * 1024 * 1024

/** Specifies that every endpoint answers so many different bad inputs, and that they leave nothing behind: no memory, no descriptor. */
export function specifyThousands(engine: Engine, each: number): void {
  describe(`${each} bad inputs for every endpoint (${engine})`, function () {
    this.timeout(1_200_000)
    let server: TestServer
    let wire: ReturnType<typeof wireTo>
    const warnings: string[] = []
    const rejections: unknown[] = []
    const onRejection = (reason: unknown) => rejections.push(reason)

    before(async function () {
      // A line for each request, kept, would look like a leak.
      const log = createLog({ level: 'warn', format: 'text', write: (text) => void warnings.push(text) })
      const started = await startServer({ engine, overrides: { log } })
      if (!started) return this.skip()
      server = started
      wire = wireTo(server.url)
      process.on('unhandledRejection', onRejection)
    })
    after(async () => {
      process.off('unhandledRejection', onRejection)
      wire?.close()
      await server?.close()
    })

    async function attack(endpoint: Endpoint, count: number): Promise<void> {
      const stage = await setStage(server, endpoint.path.includes('/admin/'))
      let sent = 0
      const counted = function* () {
        for (const input of inputsOf(endpoint, stage.ids, count)) {
          sent += 1
          yield input
        }
      }
      await sendAll(wire, stage, counted())
      expect(sent, endpoint.operationId).to.equal(count)
    }

    it('are answered with errors in Matrix’s form or as good ones, and leave neither memory nor descriptors behind', async () => {
      const endpoints = listEndpoints().filter(({ path }) => !path.startsWith('/_matrix/federation/'))
      for (const endpoint of endpoints) await attack(endpoint, 10)
      wire.close()
      const before = await heldNow()
      for (const endpoint of endpoints) await attack(endpoint, each)
      wire.close()
      const after = await heldNow()
      expect(rejections).to.deep.equal([])
      server.server.home.log.flush()
      expect(warnings.join('')).to.not.match(/a request failed|a page failed/)
      expect((await server.anonymous.get('/_matrix/client/versions')).status).to.equal(200)
      expect(after.descriptors, 'descriptors').to.be.at.most(before.descriptors)
      expect(after.bytes - before.bytes, 'bytes in memory').to.be.below(kept)
    })
  })
}

/** What this process holds when what may be given back was: bytes of the heap and beside it, and open descriptors. */
async function heldNow(): Promise<{ bytes: number; descriptors: number }> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let descriptors = Number.POSITIVE_INFINITY
  // Sockets that were ended are closed a few turns of the loop later.
  for (let quiet = 0; quiet < 20; ) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const now = readdirSync('/proc/self/fd').length
    quiet = now < descriptors ? 0 : quiet + 1
    descriptors = Math.min(now, descriptors)
  }
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return { bytes: heapUsed + external, descriptors }
}

/**
 * So many different bad requests of an endpoint: each path segment, body and query parameter of its own wrong in turn, as far as a third of
 * the count each; then several of them wrong at once, the same ones on every run.
 */
export function* inputsOf({ method, path, operationId }: Endpoint, ids: Ids, count: number): Generator<Wire> {
  const seen = new Set<string>()
  const good = method === 'GET' ? undefined : bodyOf(JSON.stringify(requestBodies[operationId] ?? {}), ids)
  const target = targetOf({ path, operationId }, ids)
  const wrongBodies =
    method === 'GET' ? [] : [...bodies, ...[...spoiled(requestBodies[operationId] ?? {})].map((text) => bodyOf(text, ids))]
  const queries = requestQueries.flatMap((name) => queryValues.map((value) => `${name}=${value}`))
  const single = [
    ...spread(wrongPaths(path, ids), count / 3).map((wrong) => ({ method, path: wrong, body: good })),
    ...spread(wrongBodies, count / 3).map((body) => ({ method, path: target, body })),
    ...spread(queries, count / 3).map((query) => ({ method, path: targetOf({ path, operationId }, ids, query), body: good })),
  ]
  const random = randomNumbers(count)
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  for (let turn = 0; seen.size < count; turn++) {
    const mixed = () => {
      const query = [any(queries), any(queries)].slice(random() < 0.5 ? 1 : 0).join('&')
      const separator = target.includes('?') ? '&' : '?'
      const wrong = path.includes('{') && random() < 0.5 ? wrongPath(path, ids, () => any(segments)) : target
      return { method, path: wrong + separator + query, body: wrongBodies.length > 0 ? any(wrongBodies) : undefined }
    }
    const input = single[turn] ?? mixed()
    const key = `${input.path} ${input.body ?? ''}`
    if (seen.has(key)) continue
    seen.add(key)
    yield input
  }
}

function wrongPaths(path: string, ids: Ids): string[] {
  return [...path.matchAll(/\{\w+\*?\}/g)].flatMap(([name]) => {
    const [before = '', after = ''] = path.split(name)
    return segments.map((segment) => pathOf(before, ids) + segment + pathOf(after, ids))
  })
}

/** A path with every parameter wrong at once. */
const wrongPath = (path: string, ids: Ids, any: () => string) => pathOf(path.replace(/\{\w+\*?\}/g, any), ids)

/** At most so many of a list, from everywhere in it. */
function spread<T>(list: readonly T[], most: number): T[] {
  const step = Math.max(1, list.length / most)
  return Array.from({ length: Math.min(list.length, Math.floor(most)) }, (_, index) => list[Math.floor(index * step)]!)
}
