import { createHmac } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { networks } from '../../config/bridge-schema.ts'
import { type Find, filesIn, type Haystack, type Needle, rowsIn, rowsOf, search } from '../support/leaks.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts'
import { removeFolder, temporaryFolder } from '../support/processes.ts'
import { openWitness, type Witness } from '../support/witness.ts'
import { meetInChats } from './looks.ts'
import type { MatrixPerson } from './matrix-person.ts'
import { openScene, type Scene } from './scene.ts'
import { namesOf, playLogin, playSeeds, type Seeds, secretsOf, sow } from './seeds.ts'

const seed = process.env['TOMBOLO_SEED'] ?? 'a seed of leaks'
const sharedSecret = 'the secret of those who administrate'

/** Seeds phone numbers, names, ids of networks, tokens and words through a scene, and looks for them in everything that stays or is told. */
export function describeLeaks({ title, hub, postgres }: { title: string; hub: boolean; postgres: boolean }): void {
  describe(`what is left of three networks and ${title} (seed “${seed}”)`, function () {
    this.timeout(180_000)
    let database: FreshDatabase | undefined
    let witness: Witness
    let scene: Scene
    let seeds: Seeds
    let scratch: string
    let stranger: MatrixPerson
    let early: readonly Haystack[]
    let admin: string
    before(async () => {
      if (postgres) database = await freshDatabase()
      seeds = sow(`${seed} ${title}`)
      scratch = temporaryFolder()
      witness = await openWitness()
      scene = await openScene({
        ...{ hub, people: seeds.people, registrations: [witness.registration], sharedSecret },
        ...(database ? { database: database.url } : {}),
      })
      stranger = await scene.addPerson('stranger')
      admin = await makeAdmin(scene.urlOf('server'))
      const seats = await meetInChats(scene)
      // The logs of the databases are written over and over.
      early = filesIn(join(scene.folder, 'bridges')).map(({ name, bytes }) => ({ name: `early bridges/${name}`, bytes }))
      await playSeeds(scene, seeds, seats)
      await playLogin(scene, scene.control, 'instagram')
      await scene.killAndStart('whatsapp')
      await seats.whatsapp.says(seeds.word('after a restart'))
    })
    after(async () => {
      await scene?.close()
      await witness?.close()
      await database?.drop()
      removeFolder(scratch)
    })

    /** Everything that stays on the disks, but for the keys of the vaults and what an administrator wrote into a file. */
    const onDisk = async (): Promise<Haystack[]> => [
      ...filesIn(scene.folder),
      ...early,
      ...rowsIn(scene.folder, scratch),
      ...(database ? await rowsOf(database.url) : []),
    ]
    const bridgesOnDisk = async () => (await onDisk()).filter(({ name }) => /bridges\//.test(name))
    const logs = (): Haystack[] => [{ name: 'the logs', bytes: Buffer.from(scene.logs()) }]
    const told = async (): Promise<Haystack[]> => {
      const pages = [
        ...networks.map((network) => `${scene.urlOf(network)}/health`),
        ...['/health', '/_tombolo/metrics'].map((path) => scene.urlOf('server') + path),
      ]
      return Promise.all(
        pages.map(async (url) => {
          const answer = await fetch(url, { headers: { authorization: `Bearer ${admin}` } })
          expect(answer.status, url).to.equal(200)
          const head = Buffer.from(`${answer.status} ${JSON.stringify([...answer.headers])}\n`)
          return { name: new URL(url).pathname, bytes: Buffer.concat([head, Buffer.from(await answer.arrayBuffer())]) }
        }),
      )
    }
    const syncOf = async (person: MatrixPerson): Promise<Haystack[]> => {
      const sync = await person.asks('/_matrix/client/v3/sync?full_state=true&timeout=0')
      return [{ name: `the sync of ${person.userId}`, bytes: Buffer.from(JSON.stringify(sync)) }]
    }
    const witnessed = (): Haystack[] => [{ name: 'the transactions', bytes: witness.heard() }]
    const secrets = () => secretsOf(scene, seeds)
    const nothing = (found: readonly Find[]) => expect(found).to.deep.equal([])

    it('holds no number, no id of a network, no token and no word that was said, on any disk', async () => {
      nothing(search([...(await secrets()), ...seeds.words()], await onDisk()))
    })

    it('holds no name of a person either where the bridges keep what they know', async () => {
      nothing(search(namesOf(seeds), await bridgesOnDisk()))
    })

    it('stands in no log and in nothing that is told to machines, names included', async () => {
      const needles = [...(await secrets()), ...seeds.words(), ...namesOf(seeds)]
      nothing(search(needles, [...logs(), ...(await told())]))
    })

    it('comes to nobody who is not in the room, names included', async () => {
      nothing(search([...(await secrets()), ...seeds.words(), ...namesOf(seeds)], await syncOf(stranger)))
    })

    it('comes to a member and to an application service that sees every room as ciphertext alone', async () => {
      await waitFor(() => witness.heard().includes('m.megolm.v1.aes-sha2'))
      const needles = [...(await secrets()), ...seeds.words()]
      nothing(search(needles, [...(await syncOf(scene.alice)), ...witnessed()]))
    })

    describe('(and the search sees what is there:', () => {
      const planted: Needle = { what: 'planted', value: '15590001112223' }
      const isFound = (needle: Needle, haystacks: readonly Haystack[]) => search([needle], haystacks).map(({ where }) => where)

      it('in a room that is not encrypted, in the database, a member’s sync and the transactions)', async () => {
        const made = await ask(scene.urlOf('server'), admin, 'POST', '/createRoom', { preset: 'public_chat' })
        await stranger.joins(String(made['room_id']))
        await ask(scene.urlOf('server'), admin, 'PUT', `/rooms/${made['room_id']}/send/m.room.message/1`, {
          ...{ msgtype: 'm.text', body: `call ${planted.value}` },
        })
        expect(isFound(planted, database ? await rowsOf(database.url) : rowsIn(scene.folder, scratch))).not.to.deep.equal([])
        await waitFor(() => isFound(planted, witnessed()).length > 0)
        expect(isFound(planted, await syncOf(stranger))).to.have.length(1)
      })

      it('in the names of people, which the homeserver has where their rooms are)', async () => {
        expect(search(namesOf(seeds), await syncOf(scene.alice))).to.have.length(networks.length)
        expect(search(namesOf(seeds), witnessed())).to.have.length(networks.length)
        expect(search(namesOf(seeds), database ? await rowsOf(database.url) : rowsIn(scene.folder, scratch))).not.to.deep.equal([])
      })

      it('in files, names of files, logs, and what is told to machines)', async () => {
        appendFileSync(join(scene.folder, 'whatsapp.log'), `seen ${planted.value}\n`)
        expect(isFound(planted, logs())).to.have.length(1)
        const hidden = Buffer.from(`seen ${planted.value}`).toString('base64url')
        writeFileSync(join(scene.folder, 'bridges', `${hidden}.txt`), hidden)
        expect(isFound(planted, await bridgesOnDisk())).not.to.deep.equal([])
        expect(isFound(planted, await onDisk())).to.include('file names')
        for (const { name, bytes } of await told()) {
          const known = bytes.toString().slice(-20).trim()
          expect(isFound({ what: name, value: known }, await told()), name).not.to.deep.equal([])
        }
      })
    })
  })
}

async function waitFor(isTrue: () => boolean): Promise<void> {
  const latest = performance.now() + 60_000
  while (!isTrue() && performance.now() < latest) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(isTrue()).to.equal(true)
}

async function ask(server: string, token: string, method: string, path: string, body: object): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${server}/_matrix/client/v3${path}`, { method, headers, body: JSON.stringify(body) })
  expect(answer.status, path).to.equal(200)
  return (await answer.json()) as Record<string, unknown>
}

/** https://element-hq.github.io/synapse/latest/admin_api/register_api.html */
async function makeAdmin(server: string): Promise<string> {
  const url = `${server}/_synapse/admin/v1/register`
  const { nonce } = (await (await fetch(url)).json()) as { nonce: string }
  const password = 'a password of a scene'
  const mac = createHmac('sha1', sharedSecret).update([nonce, 'admin', password, 'admin'].join('\0')).digest('hex')
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ nonce, username: 'admin', password, admin: true, mac }) })
  expect(answer.status).to.equal(200)
  return ((await answer.json()) as { access_token: string }).access_token
}
