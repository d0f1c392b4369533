import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Facts, readHouse } from './support/house/facts.ts'
import { checkCycles, checkFloors } from './support/house/floors.ts'
import { checkPurity } from './support/house/purity.ts'
import { checkSigners } from './support/house/signers.ts'
import { checkManners, checkSizes } from './support/house/sizes.ts'
import { checkTables } from './support/house/tables.ts'

describe('the house', () => {
  let house: Facts[]
  before(() => {
    house = readHouse(realpathSync(join(import.meta.dirname, '..'))).filter(({ path }) => !path.startsWith('spec/fixtures/'))
  })

  const holds = (faults: readonly string[]) => expect(faults.join('\n'), `\n${faults.join('\n')}\n`).to.equal('')

  it('is read whole', () => {
    expect(house.map(({ path }) => path)).to.include.members(['config/schema.ts', 'server/home.ts', 'spec/house.spec.ts'])
  })
  it('imports downwards, and no slice imports a slice', () => holds(checkFloors(house)))
  it('has no ring of imports', () => holds(checkCycles(house)))
  it('has a pure core', () => holds(checkPurity(house)))
  it('signs where it is known to, and nowhere else', () => holds(checkSigners(house)))
  it('has SQL in stores alone, and one owner for each table', () => holds(checkTables(house)))
  it('has no file, function or folder that is too large', () => holds(checkSizes(house)))
  it('has no any, default export, barrel or vague name', () => holds(checkManners(house)))
})
