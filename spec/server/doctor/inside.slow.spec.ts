import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect } from 'chai'
import { rotateSigningKey } from '../../../config/signing-key.ts'
import { type Examined, examine, type Patient, startPatient } from '../../support/doctor/patient.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { freePort } from '../../support/processes.ts'

const secret = 'a-secret-that-nobody-may-read'

describe('the doctor looks at a server from inside and says what to change', () => {
  let patient: Patient
  before(async () => {
    patient = await startPatient()
    writeFileSync(patient.config, `${readFileSync(patient.config, 'utf8')}registration: { shared_secret: ${secret} }\n`)
  })
  after(() => patient.close())

  const expectFound = (found: Examined, check: string, level: string, ...texts: readonly string[]) => {
    const { level: is, text } = found.of(check)
    expect(is, `${check}: ${text}\n${found.errors}`).to.equal(level)
    for (const part of texts) expect(text).to.contain(part)
  }
  const keyIn = (folder: string, text: string): string => {
    mkdirSync(folder, { mode: 0o755 })
    chmodSync(folder, 0o755)
    const file = join(folder, 'signing.key')
    writeFileSync(file, text, { mode: 0o644 })
    return file
  }
  const database = (name: string, steps: readonly string[]): string => {
    const file = join(patient.folder, name)
    const made = new Sqlite(file)
    made.exec('CREATE TABLE migrations (id TEXT PRIMARY KEY)')
    for (const step of steps) made.prepare('INSERT INTO migrations (id) VALUES (?)').run(step)
    made.close()
    return file
  }

  it('and tells nobody what is secret', async () => {
    const outputs = await Promise.all([
      patient.read(),
      patient.read('-O', 'registration.open=perhaps'),
      patient.read('-O', 'database.kind=postgres', '-O', `database.url=postgresql://tombolo:${secret}@127.0.0.1:${await freePort()}/x`),
    ])
    const [, , seed = ''] = readFileSync(join(patient.folder, 'signing.key'), 'utf8').trim().split(' ')
    for (const { output } of outputs) expect(output).not.to.contain(secret).and.not.to.contain(seed)
    expect(outputs.map(({ code }) => code)).to.deep.equal([0, 1, 1])
    expect(outputs[1]!.output).to.contain('registration.open (from the command line): write true or false')
    expect(outputs[2]!.output).to.contain('postgresql://tombolo:***@127.0.0.1')
  })

  it('a key that the running server does not sign with, that others may read, or that is none', async () => {
    const line = `ed25519 other ${randomBytes(32).toString('base64').replace('=', '')}\n`
    const other = keyIn(join(patient.folder, 'other'), line)
    const broken = keyIn(join(patient.folder, 'broken'), 'x')
    const [wrong, none, missing] = await Promise.all(
      [other, broken, join(patient.folder, 'no.key')].map((file) => patient.examine('-O', `signing_key_path=${file}`)),
    )
    for (const check of ['running server', 'keys']) {
      expectFound(
        wrong!,
        check,
        'wrong',
        `and the key in ${other} is ed25519:other`,
        'from the backup',
        'two servers of one name must never run',
      )
    }
    expectFound(wrong!, 'key file', 'wrong', 'its mode is 644', `chmod 600 ${other}`)
    expect(wrong!.code).to.equal(1)
    expectFound(none!, 'signing key', 'wrong', `${broken} is not a signing key`, 'from the backup')
    expectFound(missing!, 'signing key', 'attention', 'no.key is not there')
    expectFound(missing!, 'keys', 'skipped')
  })

  it('a key that was made anew: not taken up yet, taken up, and one from before that was given back', async () => {
    const file = join(patient.folder, 'signing.key')
    const former = readFileSync(file, 'utf8')
    const { before, now } = rotateSigningKey(file)
    const waiting = await patient.examine()
    await patient.restart()
    const taken = await patient.examine()
    writeFileSync(file, former)
    const back = await patient.examine()
    for (const check of ['running server', 'keys']) {
      expectFound(
        waiting,
        check,
        'attention',
        `signs with ${before.keyId} as yet`,
        `has a newer key, ${now.keyId}`,
        'end it and start it again',
      )
      expectFound(taken, check, 'ok', `signs with ${now.keyId}, the key on the disk, and names the one before as old`)
      expectFound(back, check, 'wrong', `has given up ${before.keyId}`, 'nobody believes it any more', 'npm run rotate-key')
    }
    expect(waiting.findings.filter(({ level }) => level === 'wrong')).to.deep.equal([])
    expectFound(waiting, 'known keys', 'attention', `${now.keyId} in ${file} is new, and ${before.keyId} signs as yet`)
    expectFound(taken, 'known keys', 'ok', 'there is one before it')
    expectFound(back, 'known keys', 'wrong', `${before.keyId} in ${file} was given up for a newer one at 2`, 'does not start with it')
    writeFileSync(file, `ed25519 ${now.keyId.slice('ed25519:'.length)} ${randomBytes(32).toString('base64')}\n`)
    expectFound(await patient.examine(), 'known keys', 'wrong', `another key of the name ${now.keyId}`)
    const old = JSON.stringify([{ key_id: now.keyId, key: 'x'.repeat(43), expired_ts: 0 }])
    expectFound(await patient.examine('-O', `old_signing_keys=${old}`), 'known keys', 'wrong', `old_signing_keys names ${now.keyId}`)
    writeFileSync(file, former)
  })

  it('a database of a newer release, of an older one, in another mode, or that is none', async () => {
    const page = join(patient.folder, 'page.db')
    writeFileSync(page, 'x'.repeat(5000))
    const files = [database('newer.db', ['0001-storage', '9999-future']), database('older.db', ['0001-storage']), page]
    const [newer, older, none] = await Promise.all(files.map((file) => patient.examine('-O', `database.path=${file}`)))
    expectFound(newer!, 'database', 'wrong', 'newer release (it has 9999-future)', 'Start that release')
    expectFound(older!, 'database', 'attention', 'steps of the schema behind', 'next 0002-people', 'backup')
    expectFound(older!, 'journal', 'attention', 'in delete mode', 'network share')
    expectFound(none!, 'database', 'wrong', 'page.db cannot be read: file is not a database', 'backup')
  })

  it('a database of PostgreSQL', async function () {
    const fresh = await freshDatabase()
    if (fresh === undefined) return this.skip()
    const found = await patient.examine('-O', 'database.kind=postgres', '-O', `database.url=${fresh.url}`)
    await fresh.drop()
    expectFound(found, 'database', 'attention', 'PostgreSQL ', 'no server has written there yet')
    expect(found.findings.some(({ check }) => check === 'journal' || check === 'database file')).to.equal(false)
  })

  it('a server that does not run, and listeners that others reach in plain HTTP', async () => {
    const port = await freePort()
    const found = await patient.examine(
      '-O',
      `listeners=[{"host":"127.0.0.1","port":${port}},{"host":"0.0.0.0","port":${patient.port}, "serves":["client"]}]`,
    )
    expectFound(found, 'listener', 'wrong', `nothing of this server answers at http://127.0.0.1:${port}`, 'npm start')
    expectFound(found, 'open listener', 'attention', `0.0.0.0:${patient.port} speaks plain HTTP`, 'X-Forwarded-For')
    const alone = await patient.examine('-O', `listeners=[{"host":"127.0.0.1","port":${patient.port},"serves":["client"]}]`)
    expect(alone.findings.find(({ words }) => words === 'none serves other servers')?.advice.join()).to.contain('federation')
  })

  it('a configuration that cannot be used, or that has a key that nobody knows', async () => {
    const broken = await patient.examine('-O', 'listeners=[{"port":"many"}]')
    expectFound(broken, 'configuration', 'wrong', 'cannot be used', 'a whole number from 0 to 65535')
    expect([broken.code, broken.findings.length]).to.deep.equal([1, 1])
    const file = join(patient.folder, 'odd.yaml')
    writeFileSync(file, 'servername: example.org\n', { mode: 0o600 })
    const odd = await examine('--config', file, '-O', `listeners=[{"port":${await freePort()}}]`, '--data', join(patient.folder, 'none'))
    expect(odd.findings.filter(({ check }) => check === 'configuration').map(({ level }) => level)).to.deep.equal(['ok', 'attention'])
    expect(odd.output).to.contain('server_name')
    expectFound(odd, 'server name', 'attention', 'is localhost', 'server_name: example.org')
    expectFound(odd, 'way here', 'skipped')
    expectFound(odd, 'database', 'attention', 'is not there')
  })

  it('and takes no command line that it does not understand', async () => {
    const [option, name, route, dns, help] = await Promise.all([
      examine('--colour'),
      examine('https://matrix.org'),
      examine('--connect-to', 'example.org'),
      examine('--dns', 'one.one'),
      examine('--help'),
    ])
    expect([option!, name!, route!, dns!].map(({ code, output }) => [code, output])).to.deep.equal(Array(4).fill([2, '']))
    expect(option!.errors).to.contain("Unknown option '--colour'").and.contain('npm run doctor').and.not.contain('    at ')
    expect(name!.errors).to.contain('https://matrix.org is not the name of a server')
    expect(route!.errors).to.contain('--connect-to example.org:443=')
    expect(dns!.errors).to.contain('--dns 1.1.1.1')
    expect(help!.code).to.equal(0)
  })
})
