import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'

const password = 'correct horse battery 9!'

/** Somebody with Element in a browser of their own; what they do waits for what the page shows of it. */
export type ElementPerson = {
  readonly page: Page
  registers(name: string): Promise<void>
  logsIn(name: string): Promise<void>
  logsOut(): Promise<void>
  makesRoom(name: string): Promise<void>
  accepts(room: string): Promise<void>
  opens(room: string): Promise<void>
  says(text: string): Promise<void>
  /** A message in the room, once it is there. */
  message(text: string): Promise<Locator>
  /** Presses one of the buttons that a message shows when it is pointed at. */
  press(text: string, button: string): Promise<void>
  /** Keeps what stands on the screen, where a folder for that is named. */
  screenshot(name: string): Promise<void>
  close(): Promise<void>
}

/** Opens the web client in a fresh profile. Failures of its scripts are told to the watcher. */
export async function openElement(browser: Browser, url: string, watch: (fault: string) => void): Promise<ElementPerson> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(40_000)
  page.on('response', (answer) => {
    if (answer.status() >= 500) watch(`${answer.status()} ${answer.request().method()} ${answer.url()}`)
  })
  page.on('pageerror', (error) => watch(`the page: ${error.message}`))
  await page.goto(url)
  await page.locator('.mx_AuthPage').waitFor()
  return { page, ...accountOf(page), ...roomsOf(page), ...messagesOf(page), ...viewOf(page, () => context.close()) }
}

function accountOf(page: Page) {
  const show = (screen: string) => page.evaluate(`location.assign('#/${screen}')`)
  const secrets = () => page.locator('input[type=password]')
  const loggedIn = () => page.getByRole('navigation', { name: 'Spaces' }).waitFor()
  return {
    async registers(name: string) {
      await show('register')
      await page.locator('input[type=text]').fill(name)
      await secrets().nth(0).fill(password)
      await secrets().nth(1).fill(password)
      await page.getByRole('button', { name: 'Register' }).click()
      await page.getByText('Skip').click()
      await loggedIn()
    },
    async logsIn(name: string) {
      await show('login')
      await page.locator('input[type=text]').fill(name)
      await secrets().fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
      const later = page.getByRole('button', { name: 'Skip verification for now' })
      await later
        .or(page.getByRole('navigation', { name: 'Spaces' }))
        .first()
        .waitFor()
      if (await later.isVisible()) {
        await later.click()
        await page.getByRole('button', { name: /verify later/ }).click()
      }
      await loggedIn()
    },
    async logsOut() {
      await page.getByRole('button', { name: 'User menu' }).click()
      await page.getByRole('menuitem', { name: 'Sign out' }).click()
      await page.locator('.mx_AuthPage').waitFor()
    },
  }
}

function roomsOf(page: Page) {
  const tile = (room: string) => page.getByRole('treeitem', { name: new RegExp(`\\b${room}\\b`) }).first()
  return {
    async makesRoom(name: string) {
      await page.getByRole('button', { name: 'Add room' }).first().click()
      await page.getByRole('menuitem', { name: 'New room' }).click()
      const dialog = page.locator('.mx_Dialog')
      await dialog.locator('input[type=text]').first().fill(name)
      await dialog.getByRole('switch', { name: /encryption/ }).click()
      await dialog.getByRole('button', { name: 'Create room' }).click()
      await page.getByText('You created this room.').waitFor()
    },
    opens: (room: string) => tile(room).click(),
    async accepts(room: string) {
      await tile(room).click()
      await page.getByRole('button', { name: 'Accept' }).click()
      await composer(page).waitFor()
    },
  }
}

const composer = (page: Page) => page.locator('.mx_RoomView_body .mx_BasicMessageComposer_input').last()
const messageOn = (page: Page, text: string) => page.locator('.mx_RoomView_body .mx_EventTile', { hasText: text }).last()

function messagesOf(page: Page) {
  const message = async (text: string) => {
    await messageOn(page, text).waitFor()
    return messageOn(page, text)
  }
  return {
    message,
    async says(text: string) {
      await composer(page).pressSequentially(text)
      await composer(page).press('Enter')
    },
    async press(text: string, button: string) {
      const one = await message(text)
      await one.hover()
      await one.getByRole('button', { name: button, exact: true }).click()
    },
  }
}

function viewOf(page: Page, close: () => Promise<void>) {
  const folder = process.env['TOMBOLO_SCREENSHOTS']
  return {
    async screenshot(name: string) {
      if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) })
    },
    close,
  }
}
