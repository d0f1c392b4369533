import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { capabilityTable, readmeFile, withTable } from '../../bridges/capability-table.ts'

describe('the table of what the connectors can do', () => {
  it('stands in the bridges’ README as it is made from them: npm run capabilities', async () => {
    const readme = readFileSync(readmeFile, 'utf8')
    expect(withTable(readme, await capabilityTable())).to.equal(readme)
  })

  it('says of each what it has, and of what it has not how that goes', async () => {
    const table = await capabilityTable()
    expect(table).to.include('| place | ✔ | in words | in words |')
    expect(table).to.include('| correction | in words | in words | in words |')
    expect(table).to.match(/^\| voice message \| 16 MB · ogg \| as another kind \| as another kind \|$/m)
    expect(table).to.include('| answers are taken for | 24 hours | 24 hours | 24 hours |')
  })

  it('takes the place of the one before it, and of nothing else', () => {
    const readme = 'a\n<!-- Made from the connectors: npm run capabilities -->\nold\n<!-- until here -->\nb\n'
    expect(withTable(readme, 'new')).to.equal(
      'a\n<!-- Made from the connectors: npm run capabilities -->\n\nnew\n\n<!-- until here -->\nb\n',
    )
    expect(() => withTable('nothing', 'new')).to.throw(/no place/)
  })
})
