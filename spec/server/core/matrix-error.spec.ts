import { expect } from 'chai'
import {
  forbidden,
  incompatibleVersion,
  limitExceeded,
  MatrixError,
  methodNotAllowed,
  notFound,
  unknownToken,
  unrecognized,
  userLocked,
} from '../../../server/core/matrix-error.ts'

describe('errors', () => {
  it('bear a status, a code and words, and are a response body', () => {
    const error = forbidden('the sender is not in the room')
    expect(error).to.be.instanceOf(MatrixError)
    expect(error).to.include({ status: 403, errcode: 'M_FORBIDDEN', message: 'the sender is not in the room' })
    expect(JSON.parse(JSON.stringify(error))).to.deep.equal({ errcode: 'M_FORBIDDEN', error: 'the sender is not in the room' })
  })

  it('have words of their own where none are given, and further fields where there are some', () => {
    expect(notFound().message).to.not.equal('')
    expect(notFound(undefined, { hint: 1 }).toJSON()).to.deep.include({ errcode: 'M_NOT_FOUND', hint: 1 })
  })

  it('cannot have their code overwritten by a field', () => {
    expect(notFound('no', { errcode: 'M_OTHER', error: 'yes' }).toJSON()).to.deep.equal({ errcode: 'M_NOT_FOUND', error: 'no' })
  })

  it('tell an unknown path from a wrong method by the status alone', () => {
    expect(unrecognized()).to.include({ status: 404, errcode: 'M_UNRECOGNIZED' })
    expect(methodNotAllowed()).to.include({ status: 405, errcode: 'M_UNRECOGNIZED' })
  })

  it('say soft_logout when a session may go on after a new login, and for locked accounts', () => {
    expect(unknownToken().toJSON()).to.not.have.property('soft_logout')
    expect(unknownToken({ softLogout: true })).to.deep.include({ status: 401, fields: { soft_logout: true } })
    expect(userLocked()).to.deep.include({ status: 401, errcode: 'M_USER_LOCKED', fields: { soft_logout: true } })
  })

  it('tell when to come back, in whole milliseconds', () => {
    expect(limitExceeded(1.2)).to.deep.include({ status: 429, errcode: 'M_LIMIT_EXCEEDED', fields: { retry_after_ms: 2 } })
    expect(limitExceeded(-5).fields).to.deep.equal({ retry_after_ms: 0 })
  })

  it('name the version of a room that cannot be joined', () => {
    expect(incompatibleVersion('1').toJSON()).to.deep.include({ errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: '1' })
  })
})
