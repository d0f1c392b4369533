import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { SandboxError } from '../../../bridges/sandbox/control.ts'
import { createScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { createSandboxClient } from '../../../bridges/sandbox/sandbox-client.ts'
import { startReceiver } from './receiver.ts'

const program = new URL('../../../bridges/sandbox/main.ts', import.meta.url).pathname

async function launch(...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  const { ready, url } = JSON.parse(line) as { ready: boolean; url: string }
  expect(ready).to.equal(true)
  return { child, url }
}

async function stop(child: ChildProcess): Promise<number | null> {
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  return ((await exit) as [number | null])[0]
}

describe('the sandbox as a process', () => {
  it('says where it listens, is driven over HTTP, and ends at SIGTERM', async () => {
    const { child, url } = await launch()
    const control = createSandboxClient(url)
    const { whatsapp } = await control.accounts()
    const receiver = await startReceiver(whatsapp.appSecret, 'v')
    try {
      await control.setWebhook({ object: 'whatsapp_business_account', url: receiver.url, verifyToken: 'v' })
      const ana = await createScriptedPerson(control, { network: 'whatsapp', name: 'Ana', phone: '15551234567' })
      const id = await ana.says('hello from outside')
      await control.settle({ network: 'whatsapp' })
      expect(receiver.items.map(({ kind }) => kind)).to.deep.equal(['message'])
      expect(await ana.view()).to.deep.include({ person: ana.info, typing: false })
      expect((await ana.sees()).map((message) => [message.id, message.from])).to.deep.equal([[id, 'me']])
    } finally {
      await receiver.close()
      expect(await stop(child)).to.equal(0)
    }
  })

  it('has the same accounts and people again under the same seed', async () => {
    const seen = []
    for (let run = 0; run < 2; run++) {
      const { child, url } = await launch('--seed', 'bicycle')
      const control = createSandboxClient(url)
      seen.push({ accounts: await control.accounts(), ana: await control.addPerson({ network: 'instagram', name: 'Ana' }) })
      await stop(child)
    }
    expect(seen[1]).to.deep.equal(seen[0])
  })

  it('says why it does not start', async () => {
    const { child, url } = await launch()
    try {
      for (const args of [
        ['--port', new URL(url).port],
        ['--port', '70000'],
        ['--colour', 'red'],
      ]) {
        const second = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
        let words = ''
        second.stderr!.on('data', (chunk) => {
          words += chunk
        })
        expect(((await once(second, 'close')) as [number])[0]).to.equal(2)
        expect(words).to.contain('usage: ')
      }
    } finally {
      await stop(child)
    }
  })

  it('ends with the parent that forked it', async () => {
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    await once(createInterface(child.stdout!), 'line')
    child.disconnect()
    expect(((await once(child, 'exit')) as [number])[0]).to.equal(0)
  })

  it('refuses wrong requests in words, and web pages altogether', async () => {
    const { child, url } = await launch()
    try {
      const control = createSandboxClient(url)
      const wrong = await control.say({ network: 'whatsapp', person: 'Nobody', text: 'x' }).catch((error: unknown) => error)
      expect(wrong).to.be.instanceOf(SandboxError).and.have.property('message').that.contains('nobody')
      const ask = async (path: string, init: RequestInit) => (await fetch(`${url}/_sandbox/${path}`, { method: 'POST', ...init })).status
      expect(await ask('say', { body: '{"network":"telegram","person":"x","text":"x"}' })).to.equal(400)
      expect(await ask('say', { body: '{"network":"whatsapp","person":"x"}' })).to.equal(400)
      expect(await ask('say', { body: '{' })).to.equal(400)
      expect(await ask('clock', { body: '{"ms":-1}' })).to.equal(400)
      expect(await ask('clock', { body: '{"ms":1}', headers: { origin: 'https://example.org' } })).to.equal(403)
      expect(await ask('toString', { body: '{}' })).to.equal(404)
      expect(await ask('delivery', { body: '{"network":"whatsapp","batch":0}' })).to.equal(400)
      for (const fault of [
        { kind: 'melt' },
        { kind: 'cut', when: 'never' },
        { kind: 'error', error: { status: 7 } },
        { kind: 'error', error: [] },
      ]) {
        expect(await ask('fault', { body: JSON.stringify({ network: 'whatsapp', ...fault }) })).to.equal(400)
      }
    } finally {
      await stop(child)
    }
  })
})
