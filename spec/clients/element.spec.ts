import { expect } from 'chai'
import { type Browser, chromium } from 'playwright-core'
import sharp from 'sharp'
import { type ElementPerson, openElement } from './element-person.ts'
import { browserPath, builtClient, type Site, serveClient, startHomeserver } from './site.ts'

describe('Element in Chromium', () => {
  const executablePath = browserPath()
  const web = builtClient()
  const faults: string[] = []
  let homeserver: Site
  let site: Site
  let browser: Browser
  let alice: ElementPerson
  let bob: ElementPerson

  before(async function () {
    if (executablePath === undefined || web === undefined) {
      process.stdout.write(
        '  The specs with a browser are skipped: Chromium or the web client is not installed (spec/clients/README.md).\n',
      )
      return this.skip()
    }
    homeserver = await startHomeserver()
    site = await serveClient(web, homeserver.url)
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
    const watch = (fault: string) => void faults.push(fault)
    alice = await openElement(browser, site.url, watch)
    bob = await openElement(browser, site.url, watch)
  })
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return
    await alice?.screenshot('failed-alice')
    await bob?.screenshot('failed-bob')
  })
  after(async () => {
    await browser?.close()
    await site?.close()
    await homeserver?.close()
  })

  it('registers two people', async () => {
    await alice.registers('alice')
    await bob.registers('bob')
    await alice.screenshot('registered')
  })

  it('makes a room, and invites somebody who accepts', async () => {
    await alice.makesRoom('Walk')
    await alice.says('/invite @bob:hs.test')
    await bob.accepts('Walk')
    await alice.page.getByText('bob joined the room').waitFor()
    await alice.screenshot('joined')
  })

  it('shows each what the other says', async () => {
    await alice.says('shall we meet at eleven')
    await bob.message('shall we meet at eleven')
    await bob.says('gladly, where')
    await alice.message('gladly, where')
  })

  it('shows a correction in place of what was said', async () => {
    await alice.press('shall we meet at eleven', 'Edit')
    const correction = alice.page.locator('.mx_EditMessageComposer .mx_BasicMessageComposer_input')
    await correction.press('Control+A')
    await correction.pressSequentially('shall we meet at noon')
    await correction.press('Enter')
    await (await bob.message('shall we meet at noon')).getByText('(edited)').waitFor()
    expect(await bob.page.getByText('shall we meet at eleven').count()).to.equal(0)
  })

  it('shows a reaction to both', async () => {
    await bob.press('shall we meet at noon', 'React')
    await bob.page.locator('.mx_EmojiPicker_item', { hasText: '👍' }).first().click()
    await (await alice.message('shall we meet at noon')).locator('.mx_ReactionsRowButton', { hasText: '👍' }).waitFor()
    await alice.screenshot('reaction')
  })

  it('opens a thread, whose summary stands under its root', async () => {
    await bob.press('shall we meet at noon', 'Reply in thread')
    const aside = bob.page.locator('.mx_ThreadView .mx_BasicMessageComposer_input')
    await aside.pressSequentially('by the old bridge')
    await aside.press('Enter')
    const summary = (await alice.message('shall we meet at noon')).locator('.mx_ThreadSummary')
    await summary.getByText('by the old bridge').waitFor()
    await summary.click()
    await alice.page.locator('.mx_ThreadView .mx_EventTile', { hasText: 'by the old bridge' }).waitFor()
    await alice.screenshot('thread')
  })

  it('uploads a picture, which the other sees', async () => {
    const buffer = await sharp({ create: { width: 320, height: 200, channels: 3, background: '#3a7ca5' } })
      .png()
      .toBuffer()
    const picture = { name: 'bridge.png', mimeType: 'image/png', buffer }
    await alice.page.locator('.mx_MessageComposer input[type=file]').first().setInputFiles(picture)
    await alice.page.getByRole('button', { name: 'Upload', exact: true }).click()
    const image = bob.page.locator('.mx_RoomView_body img.mx_MImageBody_thumbnail').last()
    await image.waitFor()
    const width = () => image.evaluate((element) => (element as unknown as { naturalWidth: number }).naturalWidth)
    while ((await width()) === 0) await bob.page.waitForTimeout(50)
    expect(await width()).to.equal(320)
    await bob.screenshot('picture')
  })

  it('finds what was said', async () => {
    await bob.page.getByRole('button', { name: 'Room info' }).first().click()
    const search = bob.page.getByPlaceholder('Search messages…')
    await search.fill('noon')
    await search.press('Enter')
    await bob.page.locator('.mx_RoomView_searchResultsPanel .mx_EventTile', { hasText: 'shall we meet at' }).first().waitFor()
    await bob.screenshot('search')
  })

  it('logs out, and in again to the same rooms', async () => {
    await alice.logsOut()
    await alice.logsIn('alice')
    await alice.screenshot('again')
    await alice.opens('Walk')
    await (await alice.message('shall we meet at noon')).locator('.mx_ReactionsRowButton', { hasText: '👍' }).waitFor()
    await alice.screenshot('opened')
  })

  it('meets no error of the server’s and none of its own', () => {
    expect(faults).to.deep.equal([])
  })
})
