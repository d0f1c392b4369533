import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ConfigError, load } from '../../config/load.ts'

describe('load', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tombolo-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const write = (content: string, name = 'tombolo.yaml', mode = 0o600) => {
    const file = join(folder, name)
    writeFileSync(file, content, { mode })
    return file
  }

  it('gives every key its default when nothing is written', () => {
    const { config, warnings } = load({ file: write('') })
    expect(config.server_name).to.equal('localhost')
    expect(config.public_baseurl).to.equal('http://localhost:8008/')
    expect(config.registration).to.deep.equal({ open: false, token_required: false, shared_secret: undefined, terms: [] })
    expect(config.media.max_upload_size).to.equal(50 * 1024 * 1024)
    expect(config.delayed_events.longest).to.equal(86_400_000)
    expect(config.database.path).to.equal(join(folder, 'data', 'tombolo.db'))
    expect(warnings).to.deep.equal([])
  })

  it('takes JSON and YAML alike', () => {
    const yaml = load({ file: write('server_name: example.org\npresence:\n  enabled: false\n') })
    const json = load({ file: write('{"server_name": "example.org", "presence": {"enabled": false}}', 'tombolo.json') })
    expect(json.config).to.deep.equal(yaml.config)
    expect(json.config.public_baseurl).to.equal('https://example.org/')
  })

  it('lets the command line win over the environment, and that over the file', () => {
    const file = write('log: { level: debug }\nregistration: { open: true }\ndefault_room_version: 11')
    const { config } = load({
      file,
      env: { TOMBOLO_LOG_LEVEL: 'warn', TOMBOLO_REGISTRATION_OPEN: 'false' },
      argv: ['-O', 'log.level=error'],
    })
    expect(config.log.level).to.equal('error')
    expect(config.registration.open).to.equal(false)
    expect(config.default_room_version).to.equal('11')
  })

  it('reads a secret from a file named by a _path key or variable', () => {
    write('from a file\n', 'secret')
    const { config } = load({ file: write('registration: { shared_secret_path: secret }') })
    expect(config.registration.shared_secret).to.equal('from a file')
    const { config: other } = load({ file: write(''), env: { TOMBOLO_REGISTRATION_SHARED_SECRET_PATH: join(folder, 'secret') } })
    expect(other.registration.shared_secret).to.equal('from a file')
  })

  it('warns of an unknown key and names the nearest', () => {
    const { warnings } = load({ file: write('server_nmae: a.org\nregistration: { opne: true }\nopen: true\nzebra_stripes_colour: 1') })
    expect(warnings).to.have.length(4)
    expect(warnings[0]).to.equal('registration.opne is not a key of the configuration and has no effect; did you mean open?')
    expect(warnings[1]).to.contain('server_nmae').and.contain('did you mean server_name?')
    expect(warnings[2]).to.contain('did you mean registration.open?')
    expect(warnings[3]).to.match(/no effect$/)
  })

  it('warns of a variable that is nearly a known one, and leaves others alone', () => {
    const { warnings } = load({
      file: write(''),
      env: { TOMBOLO_SERVR_NAME: 'a', TOMBOLO_SERVICE_HOST: '10.0.0.1', TOMBOLO_PORT_8008_TCP: 'tcp://10.0.0.1' },
    })
    expect(warnings).to.deep.equal(['the environment variable TOMBOLO_SERVR_NAME has no effect; did you mean TOMBOLO_SERVER_NAME?'])
  })

  it('refuses with all that is wrong, where it was written, and what to write', () => {
    const file = write('server_name: "a b"\ndatabase: { kind: oracle }\nlisteners: [{ port: 99999 }]\nmedia: 7')
    const wrong = () => load({ file, env: { TOMBOLO_PRESENCE_ENABLED: 'perhaps' } })
    expect(wrong).to.throw(ConfigError, 'server_name: write a server name such as example.org')
    expect(wrong).to.throw('database.kind: write one of sqlite, postgres')
    expect(wrong).to.throw('port: write a whole number from 0 to 65535')
    expect(wrong).to.throw('media: write a group with')
    expect(wrong).to.throw('presence.enabled (from TOMBOLO_PRESENCE_ENABLED): write true or false')
  })

  it('refuses keys that need each other', () => {
    expect(() => load({ file: write('database: { kind: postgres }') })).to.throw('database.url: write the PostgreSQL URL')
    expect(() => load({ file: write('listeners: [{ tls_key: k }]') })).to.throw('both tls_certificate and tls_key')
    expect(() => load({ file: write(''), argv: ['-O', 'nothing.such=1'] })).to.throw('there is no such key')
    expect(() => load({ file: write('[]') })).to.throw(ConfigError, 'write keys and values')
  })

  it('warns when everyone on the machine can read secrets', function () {
    if (process.platform === 'win32') this.skip()
    const open = load({ file: write('registration: { shared_secret: s }', 'open.yaml', 0o644) })
    expect(open.warnings.join()).to.contain('chmod 600')
    expect(load({ file: write('registration: { shared_secret: s }') }).warnings).to.deep.equal([])
    expect(load({ file: write('server_name: a.org', 'plain.yaml', 0o644) }).warnings).to.deep.equal([])
  })

  it("starts the server's own files at the data folder and others at the configuration's", () => {
    const { config } = load({ file: write('data_dir: here\ndatabase: { path: a.db }\nappservice_files: [bridge.yaml]') })
    expect(config.database.path).to.equal(join(folder, 'here', 'a.db'))
    expect(config.media.store_path).to.equal(join(folder, 'here', 'media'))
    expect(config.appservice_files).to.deep.equal([join(folder, 'bridge.yaml')])
  })
})
