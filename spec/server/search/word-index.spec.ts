import { expect } from 'chai'
import { type SearchKey, searchKeys, wordsOfDocument } from '../../../server/search/documents.ts'
import { insertRoom, upsertDocument } from '../../../server/search/search.store.ts'
import { wordIndexOf } from '../../../server/search/word-index.ts'
import { write } from '../../../server/storage/database.ts'
import { forEachEngine, type Open } from '../../support/storage.ts'

const documents = 2400
const rooms = 160
const isRare = (document: number) => document % 97 === 0
const roomOf = (document: number) => (document * 7) % rooms
const idOf = (room: number) => `!room${room}`

/** Every document says `all`, a few say `rare`. */
async function filled(open: Open) {
  const { database } = await open()
  const index = wordIndexOf(database)
  const all = Array.from({ length: documents }, (_, at) => at + 1)
  const writes = all.flatMap((document) => {
    const text = isRare(document) ? 'all rare' : 'all'
    return [
      write(upsertDocument, document, `$${document}`, idOf(roomOf(document)), null),
      ...index.put(document, wordsOfDocument(text, 'content.body', roomOf(document))),
    ]
  })
  await database.commit({ writes: [...Array.from({ length: rooms }, (_, room) => write(insertRoom, idOf(room), room)), ...writes] })
  return { index, all }
}

forEachEngine('the index of words', (open) => {
  const among = (from: number, to: number) =>
    new Map(Array.from({ length: to - from }, (_, at): [string, number] => [idOf(from + at), from + at]))

  it('gives the newest documents of some rooms, however many rooms and documents there are', async () => {
    const { index, all } = await filled(open)
    for (const own of [among(0, 3), among(0, 60), among(10, rooms), among(0, rooms)]) {
      for (const word of ['all', 'rare']) {
        for (const [above, below, limit] of [
          [0, documents + 1, 400],
          [0, documents + 1, 5],
          [700, 2000, 400],
        ] as const) {
          const expected = all
            .filter((document) => document > above && document < below && own.has(idOf(roomOf(document))))
            .filter((document) => word === 'all' || isRare(document))
            .toReversed()
            .slice(0, limit)
          const found = await index.find({ all: [word], keys: ['content.body', 'content.name'], rooms: own }, above, below, limit)
          const asked = `${word} in ${own.size} rooms between ${above} and ${below}`
          expect(
            found.map(({ document }) => document),
            asked,
          ).to.deep.equal(expected)
        }
      }
    }
  })

  it('finds under the keys alone that are asked for', async () => {
    const { index } = await filled(open)
    const under = (keys: readonly SearchKey[]) => index.find({ all: ['all'], keys, rooms: among(0, rooms) }, 0, documents + 1, 5)
    expect(await under(['content.topic'])).to.deep.equal([])
    expect(await under(['content.topic', 'content.topic', 'content.topic'])).to.deep.equal([])
    expect(await under(searchKeys)).to.have.length(5)
  })
})
