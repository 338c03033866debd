// A person's browser at the pages of a running gateway: the system's Chromium, with scripts or without.
// `pages` names every page on the way, in order; a fault is something that a page must not have: what axe-core
// finds, horizontal scrolling, a message on the console. With scripts every page is looked at in light, in dark and
// narrow, and a picture of each is kept.
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { chromium } from 'playwright-core'

const AXE = createRequire(import.meta.url)('axe-core').source
const EVERYTHING = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
const WIDE = { width: 900, height: 800 }
const NARROW = { width: 320, height: 800 }

const installed = () => {
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const file = path.join(directory, name)
      try { accessSync(file, constants.X_OK); return file } catch { /* elsewhere */ }
    }
  }
  throw new Error('Chromium is missing: scripts/test installs it')
}

// Looks at a page in one way after the other; `keep` is where its pictures go.
const faultsOf = async (page, keep) => {
  const faults = []
  const picture = async (kind) => keep && page.screenshot({ path: `${keep}-${kind}.png`, fullPage: true })
  await page.evaluate(AXE)
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await page.evaluate(
      (runOnly) => window.axe.run(document, { preload: false, runOnly }), EVERYTHING)
    for (const { id, help, nodes } of violations) {
      faults.push(`${colorScheme}: ${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
    }
    await picture(colorScheme)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  const fit = async (screen) => {
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    if (width > screen.width) faults.push(`${width} px wide on a screen of ${screen.width}`)
  }
  await fit(WIDE)
  await page.setViewportSize(NARROW)
  await fit(NARROW)
  await picture('narrow')
  await page.setViewportSize(WIDE)
  return faults
}

// What finds nothing on a page that is full of faults would find nothing anywhere.
const proveEyes = async (page, faults) => {
  const headers = { 'content-security-policy': "default-src 'none'" }
  const body = '<!doctype html><title>x</title><style>p { width: 9px }</style><img src="x"><pre>' + 'x'.repeat(99)
  await page.route('http://faulty/', (route) => route.fulfill({ contentType: 'text/html', headers, body }))
  await page.goto('http://faulty/')
  const found = [...await faultsOf(page), ...faults.splice(0)]
  for (const fault of [/image-alt/, /px wide on a screen/, /Content Security Policy/]) {
    if (!found.some((text) => fault.test(text))) throw new Error(`${fault} was not found in: ${found.join('\n')}`)
  }
}

// Opens a browser; pages of `elsewhere` are not ours to judge.
export const open = async ({ screenshots, scripts, elsewhere }) => {
  const pages = []
  const faults = []
  const browser = await chromium.launch({ executablePath: installed() })
  const context = await browser.newContext({ javaScriptEnabled: scripts, viewport: WIDE })
  const page = await context.newPage()
  page.setDefaultTimeout(20000)
  const isOurs = () => new URL(page.url()).origin !== elsewhere
  page.on('console', (message) => {
    // Chromium writes there, too, that a page came with another status than 200.
    const isPage = message.text().startsWith('Failed to load resource') && message.location().url === page.url()
    if (message.type() === 'error' && isOurs() && !isPage) faults.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`))
  if (scripts) {
    rmSync(screenshots, { recursive: true, force: true })
    mkdirSync(screenshots, { recursive: true })
    await proveEyes(page, faults)
  }

  const look = async (name) => {
    if (!isOurs()) throw new Error(`${name}: this is ${page.url()}`)
    pages.push(name)
    if (!scripts) return
    // Its words may be there before its style is.
    await page.waitForLoadState('load')
    const step = String(pages.length).padStart(2, '0')
    for (const fault of await faultsOf(page, `${screenshots}/${step}-${name}`)) faults.push(`${name}, ${fault}`)
  }
  return {
    page,
    look,
    // Only names the page, at which another walk looks.
    pass: (name) => pages.push(name),
    isOurs,
    press: (name) => page.getByRole('button', { name }).click(),
    follow: (name) => page.getByRole('link', { name }).first().click(),
    // A click leads to another page; waits until that is there. What was just done may stand in the query.
    reaches: (address) => page.waitForURL(
      typeof address === 'string' ? ({ origin, pathname }) => origin + pathname === address : address),
    // Closes the browser, and tells what was seen.
    tell: async () => {
      await browser.close()
      process.stdout.write(JSON.stringify({ pages, faults }))
    },
  }
}
