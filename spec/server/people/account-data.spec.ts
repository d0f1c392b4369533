import { expect } from 'chai'
import { editAccountData, readAccountData } from '../../../server/people/account-data.ts'
import { forEachEngine } from '../../support/storage.ts'

forEachEngine('editAccountData', (open, engine) => {
  it('loses no change of many that are made at once', async () => {
    const first = await open()
    const processes = engine === 'postgres' ? [first, await open()] : [first]
    const edits = Array.from({ length: 12 }, (_, at) =>
      editAccountData(processes[at % processes.length]!.database, '@alice:hs.test', '!room', 'm.tag', (content) => ({
        ...content,
        [`n${at}`]: at,
      })),
    )
    await Promise.all(edits)
    const content = await readAccountData(first.database, '@alice:hs.test', '!room', 'm.tag')
    expect(Object.keys(content ?? {})).to.have.length(12)
  })

  it('writes nothing when there is nothing to change', async () => {
    const { database, notifier } = await open()
    await editAccountData(database, '@alice:hs.test', undefined, 'org.test', () => undefined)
    expect(notifier.position()).to.equal(0)
    expect(await readAccountData(database, '@alice:hs.test', undefined, 'org.test')).to.equal(undefined)
  })
})
