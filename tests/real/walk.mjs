// A person's way through the pages of a running gateway, in the system's Chromium, without and with scripts.
// In: {link, provider, screenshots, scripts}; out: {pages, faults}. `pages` names every page that was looked at, in
// order; a fault is something that a page must not have: what axe-core finds, horizontal scrolling, a message on the
// console. With scripts every page is looked at in light, in dark and narrow, and a picture of each is kept.
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { readInput } from './record.mjs'

const { link, provider, screenshots, scripts } = await readInput()
const axe = createRequire(import.meta.url)('axe-core').source
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const WIDE = { width: 900, height: 800 }
const NARROW = { width: 320, height: 800 }
const pages = []
const faults = []

const installed = () => {
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const file = path.join(directory, name)
      try { accessSync(file, constants.X_OK); return file } catch { /* elsewhere */ }
    }
  }
  throw new Error('Chromium is missing: scripts/test installs it')
}

if (scripts) {
  rmSync(screenshots, { recursive: true, force: true })
  mkdirSync(screenshots, { recursive: true })
}
const browser = await chromium.launch({ executablePath: installed() })
const context = await browser.newContext({ javaScriptEnabled: scripts, viewport: WIDE })
const page = await context.newPage()
page.setDefaultTimeout(20000)
const own = new URL(link).origin
const here = () => page.url().startsWith(own)
page.on('console', (message) => {
  // Chromium writes there, too, that a page came with another status than 200.
  const isPage = message.text().startsWith('Failed to load resource') && message.location().url === page.url()
  if (message.type() === 'error' && here() && !isPage) faults.push(`${page.url()}: ${message.text()}`)
})
page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`))

// Looks at the page that is open.
const look = async (name, keep = true) => {
  if (!here()) throw new Error(`${name}: this is ${page.url()}`)
  pages.push(name)
  if (!scripts) return
  const step = String(pages.length).padStart(2, '0')
  const picture = async (kind) => keep && page.screenshot({ path: `${screenshots}/${step}-${name}-${kind}.png`, fullPage: true })
  await page.evaluate(axe)
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await page.evaluate(
      (values) => window.axe.run(document, { preload: false, runOnly: { type: 'tag', values } }), RULES)
    for (const { id, help, nodes } of violations) {
      faults.push(`${name}, ${colorScheme}: ${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
    }
    await picture(colorScheme)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(NARROW)
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  if (width > NARROW.width) faults.push(`${name}: ${width} px wide on a screen of ${NARROW.width}`)
  await picture('narrow')
  await page.setViewportSize(WIDE)
}

const press = (name) => page.getByRole('button', { name }).click()
const follow = (name) => page.getByRole('link', { name }).first().click()
// A click goes on to another page; waits until that is there.
const reaches = (address) => page.waitForURL(address)
const CREDENTIALS = /\/console\/credentials\/[^/]+$/

// The pages of the provider, up to the one it sends back to.
const consent = async () => {
  await page.waitForURL((url) => url.origin === provider)
  while (!here()) {
    const before = page.url()
    const login = page.locator('input[name=login]')
    if (await login.count()) {
      await login.fill('octocat')
      await page.locator('input[name=password]').fill('anything')
    }
    await page.locator('button[type=submit]').click()
    await page.waitForURL((url) => url.href !== before)
  }
}

// What ends something asks for a sign-in at the API that is not old, which is some seconds here.
const AGAIN = /^Sign in at .* again$/
const isAsked = async () => await page.getByRole('link', { name: AGAIN }).count() > 0
const arrive = async (address) => {
  await page.goto(address)
  while (await isAsked()) {
    await follow(AGAIN)
    await consent()
    await page.goto(address)
  }
}
// Looks at the page and presses its button, until the sign-in was not too old for it.
const end = async (name, address) => {
  await arrive(address)
  await look(name)
  for (let status = 401; status === 401;) {
    await arrive(address)
    const answered = page.waitForResponse((response) => response.request().method() === 'POST')
    await page.getByRole('main').getByRole('button').click()
    status = (await answered).status()
  }
}

// What finds nothing on a page that is full of faults would find nothing anywhere.
if (scripts) {
  const headers = { 'content-security-policy': "default-src 'none'" }
  const body = '<!doctype html><title>x</title><style>p { width: 9px }</style><img src="x"><pre>' + 'x'.repeat(99)
  await page.route(`${own}/faulty`, (route) => route.fulfill({ contentType: 'text/html', headers, body }))
  await page.goto(`${own}/faulty`)
  await look('faulty', false)
  for (const fault of [/image-alt/, /px wide on a screen/, /Content Security Policy/]) {
    if (!faults.some((found) => fault.test(found))) throw new Error(`${fault} was not found in: ${faults.join('\n')}`)
  }
  faults.length = pages.length = 0
}

await page.goto(own)
await look('sign-in')
await page.goto(link)
await look('one-time-link')
await press('Sign in')
await reaches(`${own}/console`)
await look('no-credentials')
await follow(/^Connect/)
await consent()
await reaches(CREDENTIALS)
const home = page.url()
await look('new-credentials')
await press('Add a device of mine')
await reaches(/\/add-me$/)
await look('new-device')
await follow(/^Back to/)
await reaches(home)
await look('credentials-with-a-device')
await follow(/^Send a job to/)
await reaches(/\/jobs$/)
await look('jobs')
await follow('List Events by User')
await reaches(/\/jobs\/ListEventsByUser$/)
await look('job-form')
await page.getByLabel('Username').fill('octocat')
await press('Send')
await reaches(/\?sent=/)
await look('job-reply')
await page.getByText('octocat/hello-world').waitFor()
await follow('Send another')
await page.getByLabel('Username').fill('nobody')
await press('Send')
await reaches(/\?sent=/)
await look('job-that-failed')
await page.getByText('The job was not done').waitFor()
await follow('Send another')
// Some browsers check nothing before they send.
await page.locator('main form').evaluate((form) => { form.noValidate = true })
await press('Send')
await page.getByRole('alert').waitFor()
await look('job-form-with-a-fault')
await follow('My credentials')
await reaches(`${own}/console`)
await look('my-credentials')
await page.goto(home)

await follow(/^Cut off (?!all)/)
const cutOff = page.url()
while (!await isAsked()) await page.reload()
await look('proof-is-asked-for')
await end('cut-off', cutOff)
await reaches(home)
await look('after-the-cut')
for (const [link, name] of [['Cut off all devices', 'cut-off-all'], [/^Leave/, 'leave']]) {
  await page.goto(home)
  await follow(link)
  await arrive(page.url())
  await look(name)
}
await page.goto(home)
await follow('Forget the secret')
await end('forget', page.url())
await reaches(`${own}/console`)
await look('after-forgetting')

await follow(/^Connect/)
await consent()
await reaches(CREDENTIALS)
await look('signed-in-again')
await page.goto(home)
await look('not-found')
await page.goto(`${own}/console`)
await press('Sign out')
await reaches(/\/sign-in\?out/)
await look('signed-out')
await browser.close()
process.stdout.write(JSON.stringify({ pages, faults }))
