import { expect } from 'chai'
import { listEndpoints } from '../../../server/homeserver.ts'
import { type Engine, startServer, type TestServer } from '../server.ts'
import { bodyOf, checkAnswer, pathOf, type Stage, sendAll, setStage, targetOf, type Wire, wireTo } from './client.ts'
import { bodies, queryValues, requestBodies, requestQueries, segments, spoiled } from './inputs.ts'

const all = listEndpoints()
/** What other servers ask is behind a signature: that is another suite's. */
const endpoints = all.filter(({ path }) => !path.startsWith('/_matrix/federation/'))
const tokens = [
  '',
  'Bearer',
  'Bearer ',
  'bearer  x',
  'Basic dTpw',
  'Bearer a,b',
  'Bearer unknown',
  `Bearer ${'x'.repeat(8000)}`,
  "Bearer ' OR 1=1--",
  'X-Matrix origin=a',
]

/**
 * Specifies what every mounted endpoint answers to hostile inputs. Of all places and values, every place is tried with one in `every` of the
 * values, other ones at each place.
 */
export function specifyHostileInputs(engine: Engine, every: number): void {
  describe(`Hostile inputs (${engine})`, () => {
    let server: TestServer
    let wire: ReturnType<typeof wireTo>
    const rejections: unknown[] = []
    const onRejection = (reason: unknown) => rejections.push(reason)

    before(async function () {
      const started = await startServer({ engine })
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
    afterEach(async () => {
      if (!server) return
      expect(rejections).to.deep.equal([])
      expect(server.log()).to.not.match(/a request failed|a page failed/)
      expect((await server.anonymous.get('/_matrix/client/versions')).status).to.equal(200)
    })

    async function attack(requestsOf: (endpoint: (typeof endpoints)[number], stage: Stage) => Iterable<Wire>): Promise<void> {
      for (const endpoint of endpoints) {
        const stage = await setStage(server, /^\/_(?:synapse|tombolo)\/|\/admin\//.test(endpoint.path))
        await sendAll(wire, stage, requestsOf(endpoint, stage))
      }
    }

    it('answers every mutated path with an error in Matrix’s form, never with a 500', async () => {
      await attack(function* ({ method, path, operationId }, { ids }) {
        const body = method === 'GET' ? undefined : bodyOf(JSON.stringify(requestBodies[operationId] ?? {}), ids)
        for (const [, name] of path.matchAll(/\{(\w+)\*?\}/g)) {
          const [before = '', after = ''] = path.split(new RegExp(`\\{${name}\\*?\\}`))
          for (const segment of segments) yield { method, path: pathOf(before, ids) + segment + pathOf(after, ids), body }
        }
      })
    })

    it('answers paths with more or fewer segments than there are', async () => {
      await attack(function* ({ method, path }, { ids }) {
        const whole = pathOf(path, ids)
        const body = method === 'GET' ? undefined : '{}'
        const other = [
          `${whole}/`,
          `${whole}//`,
          `${whole}/x`,
          `${whole};x`,
          `/${whole}`,
          `/.${whole}`,
          `/x/..${whole}`,
          `http://else.where${whole}`,
        ]
        for (const one of other) yield { method, path: one, body }
        // Old `/events`, which is a path without its last segment, waits.
        yield { method, path: `${whole.slice(0, whole.lastIndexOf('/')) || '/none'}?timeout=0`, body }
        yield { method: method === 'DELETE' ? 'GET' : 'DELETE', path: whole }
        yield { method: 'PATCH', path: whole, headers: { 'X-Original-URL': '/_matrix/client/versions', 'X-HTTP-Method-Override': 'GET' } }
      })
    })

    it('answers every mutated query with an error in Matrix’s form, never with a 500', async () => {
      let turn = 0
      await attack(function* ({ method, path, operationId }, { ids }) {
        const body = method === 'GET' ? undefined : bodyOf(JSON.stringify(requestBodies[operationId] ?? {}), ids)
        for (const name of requestQueries) {
          for (const value of queryValues) {
            if (turn++ % every === 0) yield { method, path: targetOf({ path, operationId }, ids, `${name}=${value}`), body }
          }
        }
      })
    })

    it('answers every body that is none, or is wrong in one place, with an error in Matrix’s form, never with a 500', async () => {
      let turn = 0
      await attack(function* ({ method, path, operationId }, { ids }) {
        if (method === 'GET') return
        const target = { method, path: targetOf({ path, operationId }, ids) }
        for (const body of bodies) yield { ...target, body }
        for (const text of spoiled(requestBodies[operationId] ?? {})) {
          if (turn++ % every === 0) yield { ...target, body: bodyOf(text, ids) }
        }
      })
    })

    it('answers every token that is none with 401, or 400 when it is given twice', async () => {
      for (const { method, path } of all) {
        if (path === '/_matrix/client/v3/login') continue
        const target = { method, path: pathOf(path, {}), body: method === 'GET' ? undefined : '{}' }
        const open = (await wire.send(target)).status !== 401
        for (const Authorization of tokens) {
          const asked = { ...target, headers: { Authorization } }
          const answer = await wire.send(asked)
          checkAnswer(asked, answer)
          if (!open) expect(answer.status, `${method} ${path} ${Authorization.slice(0, 50)}`).to.equal(401)
        }
        for (const token of ['', '%00', 'syt_unknown', 'x'.repeat(5000)]) {
          const asked = { ...target, path: `${target.path}?access_token=${token}` }
          const answer = await wire.send(asked)
          checkAnswer(asked, answer)
          if (!open) expect(answer.status, `${method} ${path} ${token.slice(0, 50)}`).to.be.oneOf([400, 401])
        }
      }
    })
  })
}
