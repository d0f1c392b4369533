import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'

type Operation = { api: string; method: string; path: string; operationId: string }
type Mounted = Omit<Operation, 'api'>

const fixtures = join(import.meta.dirname, 'fixtures')
const operations: Operation[] = JSON.parse(readFileSync(join(fixtures, 'operations.json'), 'utf8'))
const absent = readFileSync(join(fixtures, 'absent-operations.txt'), 'utf8').split('\n').filter(Boolean)
const homeserver = join(import.meta.dirname, '../server/homeserver.ts')

const named = ({ api, operationId }: Operation) => `${api} ${operationId}`
/** Parameters may be named as one likes; a slash at the end is the specification's slip. */
const shape = ({ method, path }: Mounted) => `${method.toUpperCase()} ${path.replace(/\{[^}]*\}|:[^/]+/g, '{}').replace(/(?<=.)\/$/, '')}`

/** What to do so that the list and the server agree. Two operations may share a path (inviteUser, inviteBy3PID): each is mounted under its own id. */
function disagreements(all: readonly Operation[], listed: readonly string[], mounted: readonly Mounted[]): string[] {
  const isMounted = (operation: Operation) =>
    mounted.some((one) => shape(one) === shape(operation) && one.operationId === operation.operationId)
  const unknown = listed.filter((line) => !all.some((operation) => named(operation) === line))
  const misnamed = mounted.flatMap((endpoint) => {
    const ids = all.filter((operation) => shape(operation) === shape(endpoint)).map(({ operationId }) => operationId)
    return ids.length === 0 || ids.includes(endpoint.operationId)
      ? []
      : [`${shape(endpoint)} is ${ids.join(' or ')}, not ${endpoint.operationId}`]
  })
  return [
    ...unknown.map((line) => `${line}: no such operation; take the line out of absent-operations.txt`),
    ...misnamed,
    ...all.flatMap((operation) => {
      const isListed = listed.includes(named(operation))
      if (isMounted(operation) && isListed) return [`${named(operation)} is mounted: take its line out of absent-operations.txt`]
      if (isMounted(operation) || isListed) return []
      return [`${shape(operation)}: mount ${operation.operationId}, or add "${named(operation)}" to absent-operations.txt`]
    }),
  ]
}

describe('operations of the specification', () => {
  it('are 166 for clients and 36 for servers, each once', () => {
    expect(operations.filter(({ api }) => api === 'client-server')).to.have.length(166)
    expect(operations.filter(({ api }) => api === 'server-server')).to.have.length(36)
    expect(new Set(operations.map(named)).size).to.equal(202)
    expect(new Set(absent).size).to.equal(absent.length)
  })

  it('are either mounted or listed as absent', async function () {
    if (!existsSync(homeserver)) this.skip()
    const { listEndpoints }: { listEndpoints(): Mounted[] } = await import(homeserver)
    const mounted = listEndpoints()
    process.stdout.write(`\n  ${operations.length - absent.length} of ${operations.length} operations are mounted\n`)
    expect(disagreements(operations, absent, mounted)).to.deep.equal([])
  })

  it('are found missing, forgotten in the list, misnamed and unknown', () => {
    const [one, two]: Operation[] = [
      { api: 'a', method: 'GET', path: '/x/{roomId}/', operationId: 'getX' },
      { api: 'a', method: 'PUT', path: '/x/{roomId}', operationId: 'setX' },
    ]
    const mountedOne = { method: 'get', path: '/x/:id', operationId: 'getX' }
    expect(disagreements([one!, two!], ['a setX'], [mountedOne])).to.deep.equal([])
    expect(disagreements([one!, two!], [], [mountedOne])).to.deep.equal(['PUT /x/{}: mount setX, or add "a setX" to absent-operations.txt'])
    expect(disagreements([one!], ['a getX'], [mountedOne])).to.deep.equal(['a getX is mounted: take its line out of absent-operations.txt'])
    expect(disagreements([one!], [], [{ ...mountedOne, operationId: 'fetchX' }])[0]).to.equal('GET /x/{} is getX, not fetchX')
    expect(disagreements([one!], ['a y'], [mountedOne])[0]).to.contain('no such operation')
  })
})
