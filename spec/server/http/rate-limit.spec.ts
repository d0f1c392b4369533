import { expect } from 'chai'
import { load } from '../../../config/load.ts'
import type { MatrixError } from '../../../server/core/matrix-error.ts'
import type { AppService, Requester } from '../../../server/http/endpoint.ts'
import { createRateLimit, type RateLimit } from '../../../server/http/rate-limit.ts'

const service = { sender: '@bot:a', rateLimited: true } as unknown as AppService
function by(userId: Requester['userId'], of?: AppService): Requester {
  return { userId, deviceId: undefined, session: '', admin: false, service: of }
}
const defaults = load({ argv: ['--data', '.'], env: {} }).config

describe('createRateLimit', () => {
  let now: number
  let limit: RateLimit
  beforeEach(() => {
    now = 0
    limit = createRateLimit({ ...defaults, rc_login: { ...defaults.rc_login, address: { per_second: 0.2, burst_count: 12 } } }, () => now)
  })
  const attempt = (what: () => void) => {
    try {
      what()
    } catch (error) {
      return error as MatrixError
    }
    return undefined
  }
  const take = (times: number, requester?: Requester, ip = '1.1.1.1') =>
    attempt(() => {
      for (let time = 0; time < times; time++) limit.take('login', { requester, ip })
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
  it('has the numbers that operators know where nothing else is configured', () => {
    const messages = (times: number) =>
      attempt(() => {
        for (let time = 0; time < times; time++) limit.take('message', { requester: by('@a:b'), ip: '' })
      })
    expect(messages(10)).to.equal(undefined)
    expect(messages(1)?.fields['retry_after_ms']).to.equal(5000)
  })
  it('counts invitations by who invites, into which room, and whom', () => {
    const invite = (inviter: Requester['userId'], roomId: string, invited: string) =>
      attempt(() => limit.take('invite', { requester: by(inviter), ip: '', params: { roomId }, body: { user_id: invited } }))
    for (let time = 0; time < 5; time++) expect(invite(`@i${time}:a`, `!r${time}`, '@victim:a')).to.equal(undefined)
    expect(invite('@other:a', '!other', '@victim:a')?.status).to.equal(429)
    expect(invite('@other:a', '!other', '@somebody:a')).to.equal(undefined)
    for (let time = 0; time < 9; time++) expect(invite(`@j${time}:a`, '!full', `@x${time}:a`)).to.equal(undefined)
    invite('@k:a', '!full', '@y:a')
    expect(invite('@l:a', '!full', '@z:a')?.status).to.equal(429)
  })
  it('counts accounts that were made, not requests that came to nothing', () => {
    const of = { requester: undefined, ip: '1.1.1.1' }
    for (let time = 0; time < 50; time++) expect(attempt(() => limit.take('registration', of))).to.equal(undefined)
    for (let time = 0; time < 3; time++) limit.done('registration', of)
    expect(attempt(() => limit.take('registration', of))?.status).to.equal(429)
  })
})
