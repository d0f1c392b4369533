import { expect } from 'chai'
import { defaultRoomVersion, roomRules, supportedRoomVersions } from '../../../server/core/room-versions.ts'

const versions = Array.from({ length: 12 }, (_, at) => String(at + 1))

describe('room versions', () => {
  it('are the twelve of the specification, and no others', () => {
    for (const version of versions) expect(roomRules(version)!.version).to.equal(version)
    for (const version of ['', '0', '13', '01', 'toString', '__proto__', 'org.matrix.hydra.11'])
      expect(roomRules(version)).to.equal(undefined)
  })

  it('are all offered for new rooms, 12 unless asked otherwise', () => {
    expect(supportedRoomVersions).to.deep.equal(versions)
    expect(defaultRoomVersion).to.equal('12')
  })

  it('bring each change in the version that the specification says', () => {
    const since = (has: (version: string) => unknown) => versions.find((version) => has(version))
    expect(since((version) => roomRules(version)!.stateResolution === 'v2')).to.equal('2')
    expect(since((version) => roomRules(version)!.eventIds === 'base64')).to.equal('3')
    expect(since((version) => !roomRules(version)!.redactionRule)).to.equal('3')
    expect(since((version) => roomRules(version)!.eventIds === 'base64url')).to.equal('4')
    expect(since((version) => roomRules(version)!.enforceKeyValidity)).to.equal('5')
    expect(since((version) => roomRules(version)!.strictJson)).to.equal('6')
    expect(since((version) => !roomRules(version)!.aliasesRule)).to.equal('6')
    expect(since((version) => roomRules(version)!.guardNotifications)).to.equal('6')
    expect(since((version) => roomRules(version)!.knock)).to.equal('7')
    expect(since((version) => roomRules(version)!.restrictedJoin)).to.equal('8')
    expect(since((version) => roomRules(version)!.knockRestricted)).to.equal('10')
    expect(since((version) => roomRules(version)!.integerPowerLevels)).to.equal('10')
    expect(since((version) => !roomRules(version)!.creatorInContent)).to.equal('11')
    expect(since((version) => roomRules(version)!.redactsInContent)).to.equal('11')
    expect(since((version) => roomRules(version)!.roomIdIsCreateHash)).to.equal('12')
    expect(since((version) => roomRules(version)!.privilegedCreators)).to.equal('12')
    expect(since((version) => roomRules(version)!.stateResolution === 'v2.1')).to.equal('12')
  })
})
