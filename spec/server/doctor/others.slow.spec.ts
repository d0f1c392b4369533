import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { writeCertificate } from '../../support/certificates.ts'
import { startFront } from '../../support/doctor/front.ts'
import { anotherCertificate, type Examined, examine, type Patient, startPatient } from '../../support/doctor/patient.ts'
import { type Peer, type PeerReply, startPeer } from '../../support/peer.ts'
import { freePort, type Running, removeFolder, startServer, temporaryFolder } from '../../support/processes.ts'

const version = '/_matrix/federation/v1/version'
const directory = '/_matrix/federation/v1/query/directory'
const who = { server: { name: 'Synapse', version: '1.163' } }
const noAlias: PeerReply = { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'no such alias' } }

const expectFound = (found: Examined, part: string, check: string, level: string, ...texts: readonly string[]) => {
  const { level: is, text } = found.of(check, part)
  expect(is, `${part} ${check}: ${text}\n${found.errors}`).to.equal(level)
  for (const words of texts) expect(text).to.contain(words)
}

describe('the doctor looks at other servers, and how they see this one', () => {
  let patient: Patient
  const peers: Peer[] = []
  before(async () => {
    patient = await startPatient()
  })
  after(async () => {
    await Promise.all([patient.close(), ...peers.map((peer) => peer.close())])
  })

  const peer = async (ahead = 0, belief = noAlias): Promise<Peer> => {
    const made = await startPeer(patient.trusted)
    peers.push(made)
    made.on('GET', version, () => ({ body: who, headers: { Date: new Date(Date.now() + ahead * 1000).toUTCString() } }))
    made.on('GET', directory, () => belief)
    return made
  }

  it('one that is well', async () => {
    const well = await peer()
    const found = await patient.examine(well.serverName)
    const part = well.serverName
    expect(found.findings.filter((finding) => finding.part === part).map(({ level }) => level)).to.deep.equal(Array(5).fill('ok'))
    expectFound(found, part, 'reached', 'ok', `${part} is Synapse 1.163, over TLSv1.3`)
    expectFound(found, part, 'its keys', 'ok', well.signingKey.keyId, 'signed by itself')
    expectFound(found, part, 'clock', 'ok', 'the two clocks agree')
    expect(well.asked.find(({ path }) => path === directory)).to.include({ origin: 'tombolo.test' })
    expect(found.code).to.equal(0)
  })

  it('clocks that differ, signatures that are not believed, keys that are not signed, places where nobody is', async () => {
    const refusal: PeerReply = { status: 401, body: { errcode: 'M_UNAUTHORIZED', error: 'Failed to find any key to satisfy the request' } }
    const [ahead, behind, doubting] = [await peer(90), await peer(-30), await peer(0, refusal)]
    const [liar, stranger, closed] = await Promise.all([
      startFront(patient.trusted, 0),
      startFront(anotherCertificate(patient, { name: 'localhost', isTrusted: false }), 0),
      freePort(),
    ])
    liar.answer = (path) => ({ body: JSON.stringify(path === version ? who : { server_name: 'x' }) })
    const names = [ahead, behind, doubting].map(({ serverName }) => serverName)
    const [one, two, three] = names as [string, string, string]
    const [lying, strange, gone] = [liar.port, stranger.port, closed].map((port) => `localhost:${port}`) as [string, string, string]
    const found = await patient.examine(...names, lying, strange, gone)
    await Promise.all([liar.down(), stranger.down()])
    expect(found.of('clock', one).text).to.match(/its clock is (89|90|91) s ahead of the one of this machine/)
    expectFound(found, one, 'clock', 'wrong', 'timedatectl set-ntp true')
    expect(found.of('clock', two).text).to.match(/its clock is (29|30|31) s behind/)
    expectFound(found, two, 'clock', 'attention', 'date -u')
    expectFound(found, three, 'believes us', 'wrong', '401: Failed to find any key', 'where tombolo.test leads from the world outside')
    expectFound(found, lying, 'its keys', 'wrong', 'nothing it sends can be believed')
    expectFound(found, strange, 'reached', 'wrong', 'vouches for itself', 'ca_file')
    expectFound(found, gone, 'reached', 'wrong', `${gone} cannot be connected to: nothing listens`, 'firewall')
    expect(found.code).to.equal(1)
  })

  it('a private address only where the configuration allows it', async () => {
    const well = await peer()
    const found = await patient.examine(well.serverName, '-O', 'federation.allow_private_addresses=false')
    expectFound(found, well.serverName, 'reached', 'wrong', 'not on the public internet', 'allow_private_addresses: true')
    expect(well.asked).to.deep.equal([])
    expectFound(found, 'tombolo.test as other servers find it', 'address', 'attention', '127.0.0.1', 'which others cannot reach')
  })

  describe('another server like it', () => {
    const folder = temporaryFolder('tombolo-doctor-two')
    const { certificate, key } = writeCertificate(folder)
    let ports: number[]
    let servers: Running[]
    before(async () => {
      ports = [await freePort(), await freePort()]
      servers = await Promise.all(
        ports.map((port) => startServer(configOf(port), { log: `${folder}/${port}.log`, ready: { line: /is ready at/ } })),
      )
    })
    after(async () => {
      await Promise.all(servers.map((server) => server.stop()))
      removeFolder(folder)
    })

    const configOf = (port: number): string => {
      const file = join(folder, `${port}.yaml`)
      const lines = [
        `server_name: localhost:${port}`,
        `public_baseurl: https://localhost:${port}/`,
        `data_dir: data-${port}`,
        `listeners: [{ host: 127.0.0.1, port: ${port}, tls_certificate: ${certificate}, tls_key: ${key} }]`,
        `federation: { ca_file: ${certificate}, allow_private_addresses: true }`,
      ]
      writeFileSync(file, lines.join('\n'), { mode: 0o600 })
      return file
    }

    it('believes what the key on the disk signs, and nothing else', async () => {
      const [own, other] = ports as [number, number]
      const name = `localhost:${other}`
      const well = await examine('--config', configOf(own), name)
      expect(well.findings.filter(({ level }) => level === 'wrong')).to.deep.equal([])
      expectFound(well, name, 'reached', 'ok', 'is Tombolo')
      expectFound(well, name, 'believes us', 'ok', 'it reaches this server')
      const file = join(folder, 'other.key')
      writeFileSync(file, `ed25519 other ${randomBytes(32).toString('base64').replace('=', '')}\n`, { mode: 0o600 })
      const stranger = await examine('--config', configOf(own), name, '-O', `signing_key_path=${file}`)
      expectFound(stranger, name, 'believes us', 'wrong', 'it does not believe our signature (401')
      expectFound(stranger, `localhost:${own} as other servers find it`, 'keys', 'wrong', 'from the backup')
    })
  })
})
