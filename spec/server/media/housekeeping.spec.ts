import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createFiles } from '../../../server/media/files.ts'
import { discardStrays, forgetOld } from '../../../server/media/housekeeping.ts'
import { insertMedia } from '../../../server/media/media.store.ts'
import { insertThumbnail } from '../../../server/media/thumbnails.store.ts'
import { insertPreview } from '../../../server/media/url-previews.store.ts'
import { write } from '../../../server/storage/database.ts'
import { engines, startServer } from '../../support/server.ts'

const day = 24 * 60 * 60_000

for (const engine of engines) {
  describe(`media housekeeping on ${engine}`, () => {
    it('forgets old previews with their pictures, keeps new ones and what is used elsewhere, and clears what no row speaks of', async function () {
      const server = await startServer({ engine })
      if (!server) return this.skip()
      const { home } = server.server
      const root = server.config.media.store_path
      const files = createFiles(root)
      const now = home.clock.now()
      const keep = async (text: string) => (await files.keep(Readable.from([Buffer.from(text)]), 100)).contentHash
      const [old, small, shared, recent, stray, fresh] = await Promise.all(['old', 'small', 'shared', 'recent', 'stray', 'fresh'].map(keep))
      const media = (id: string, hash: string) => write(insertMedia, id, '', hash, 3, 'image/png', null, now)
      const preview = (id: string, age: number) => write(insertPreview, id, now - age, now, '{}', id)
      await home.database.commit({
        writes: [
          ...[media('a', old!), media('b', shared!), media('c', shared!), media('d', recent!)],
          ...[preview('a', 8 * day), preview('b', 8 * day), preview('d', day)],
          write(insertThumbnail, old!, 32, 32, 'crop', 0, small!, 5, 'image/png', now),
        ],
      })
      const longAgo = new Date(now - day)
      for (const hash of [old, small, shared, recent, stray]) utimesSync(join(root, hash!.slice(0, 2), hash!), longAgo, longAgo)
      await forgetOld({ home, files })
      for (let folder = 0; folder < 256; folder++) await discardStrays({ home, files }, folder)
      const left = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
      expect(left.map(({ name }) => name).sort()).to.deep.equal([shared, recent, fresh].sort())
      await server.close()
    })
  })
}
