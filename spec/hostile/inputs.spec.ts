import { expect } from 'chai'
import { listEndpoints } from '../../server/homeserver.ts'
import { requestBodies } from '../support/hostile/inputs.ts'
import { specifyHostileInputs } from '../support/hostile/suite.ts'
import { inputsOf } from '../support/hostile/thousands.ts'

// On PostgreSQL it is among the slower suites.
specifyHostileInputs('sqlite', 79)

describe('Hostile inputs', () => {
  it('are made from a good body of every operation that takes one', () => {
    const taking = listEndpoints().filter(({ method }) => method === 'POST' || method === 'PUT')
    const without = taking.filter(({ operationId }) => !(operationId in requestBodies)).map(({ operationId }) => operationId)
    expect(without, 'add a body with every field to spec/fixtures/request-bodies.json').to.deep.equal([])
  })

  it('are as many different ones as are asked for, the same on every run, for an endpoint without path or body too', () => {
    for (const [method, path] of [
      ['GET', '/_matrix/client/v3/joined_rooms'],
      ['PUT', '/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}'],
    ] as const) {
      const inputs = [...inputsOf({ method, path, operationId: 'sendMessage' }, { roomId: '!a' }, 500)]
      expect(new Set(inputs.map(({ path: one, body }) => `${one} ${body}`))).to.have.property('size', 500)
      expect([...inputsOf({ method, path, operationId: 'sendMessage' }, { roomId: '!a' }, 500)]).to.deep.equal(inputs)
    }
  })
})
