import { expect } from 'chai'
import type { ServerName } from '../../../server/core/ids.ts'
import type { MatrixError } from '../../../server/core/matrix-error.ts'
import { answerOf } from '../../../server/remote/answer-of.ts'

describe('what another server answers', () => {
  const refusalOf = (status: number, errcode: string) => {
    try {
      return answerOf('there.example' as ServerName, { ok: true, status, body: { errcode, error: 'its words' }, headers: {} })
    } catch (error) {
      const { status: told, errcode: code, message } = error as MatrixError
      return [told, code, message]
    }
  }

  it('is passed on where it refuses', () => {
    expect(refusalOf(403, 'M_FORBIDDEN')).to.deep.equal([403, 'M_FORBIDDEN', 'its words'])
  })

  it('never says that this server does not know what was asked, wants consent, or is full, nor that a session has ended', () => {
    for (const [status, code] of [
      [404, 'M_UNRECOGNIZED'],
      [403, 'M_UNKNOWN_TOKEN'],
      [403, 'M_CONSENT_NOT_GIVEN'],
      [403, 'M_RESOURCE_LIMIT_EXCEEDED'],
    ] as const) {
      expect(refusalOf(status, code)).to.deep.equal([502, 'M_UNKNOWN', `there.example answered with ${status}`])
    }
  })
})
