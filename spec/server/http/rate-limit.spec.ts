import { expect } from 'chai'
import type { MatrixError } from '../../../server/core/matrix-error.ts'
import type { AppService, Requester } from '../../../server/http/endpoint.ts'
import { createRateLimit } from '../../../server/http/rate-limit.ts'

const service = { sender: '@bot:a', rateLimited: true } as unknown as AppService
function by(userId: Requester['userId'], of?: AppService): Requester {
  return { userId, deviceId: undefined, session: '', admin: false, service: of }
}

describe('createRateLimit', () => {
  let now: number
  let take: (times: number, requester?: Requester, ip?: string) => MatrixError | undefined
  beforeEach(() => {
    now = 0
    const limit = createRateLimit(() => now)
    take = (times, requester, ip = '1.1.1.1') => {
      try {
        for (let time = 0; time < times; time++) limit('login', requester, ip)
      } catch (error) {
        return error as MatrixError
      }
      return undefined
    }
  })

  it('refuses when the bucket is empty, and says how long to wait', () => {
    expect(take(12)).to.equal(undefined)
    const error = take(1)!
    expect(error.toJSON()).to.deep.include({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 5000 })
    now += 5000
    expect(take(1)).to.equal(undefined)
    expect(take(1)?.status).to.equal(429)
  })
  it('keeps users and addresses apart', () => {
    take(12)
    expect(take(1, undefined, '2.2.2.2')).to.equal(undefined)
    expect(take(1, by('@a:b'))).to.equal(undefined)
  })
  it('leaves the sender of a service alone, its other users only if the registration says so', () => {
    expect(take(100, by('@bot:a', service))).to.equal(undefined)
    expect(take(100, by('@ghost:a', service))?.status).to.equal(429)
    expect(take(100, by('@ghost:a', { ...service, rateLimited: false }))).to.equal(undefined)
  })
})
