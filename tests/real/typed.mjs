// A person's way through the pages of a gateway whose API has keys that are typed in, from the link of the terminal on.
// In: {link, screenshots, scripts}; out: {pages, faults}, as pages.mjs has them.
import { useDevice } from './device.mjs'
import { open } from './pages.mjs'
import { readInput } from './record.mjs'

const { link, screenshots, scripts } = await readInput()
const own = new URL(link).origin
const way = await open({ screenshots, scripts })
const { page, look, press, follow, reaches, tell } = way
const type = async (name, key) => {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('API key').fill(key)
  await press('Keep this key')
}

await page.goto(link)
await press('Sign in')
await reaches(`${own}/console`)
await follow(/^Connect/)
await reaches(/\/auth\/api$/)
await look('key')
await type('team', 'two words')
await page.getByRole('alert').waitFor()
await look('key-with-a-blank')
await type('team', 'canary-of-a-key')
await reaches(/\/console\/credentials\/[^/]+$/)
await look('credentials-of-the-key')
await useDevice(way)
await follow('Type in a newer key')
await reaches(/\/auth\/api\?credentials=/)
await look('newer-key')
await page.getByLabel('Present key').fill('canary-of-a-key')
await page.getByLabel('New key').fill('canary-of-a-newer-key')
await press('Go on')
await reaches(/\/console\/credentials\/[^/]+$/)
// Whatever somebody calls things, every page of theirs fits a narrow screen.
const long = 'm'.repeat(100)
await page.goto(`${own}/auth/api`)
await type(long, 'canary-of-another-key')
await reaches(/\/console\/credentials\/[^/]+$/)
const home = page.url()
await page.getByLabel('Name of a new device').fill(long)
await press('Add a device of mine')
await reaches(/\/add-me$/)
await follow(/^Back to/)
await reaches(home)
await look('long-names')
await follow(/^Cut off m/)
await reaches(/\/cut-off$/)
await look('cut-off-a-long-name')
await follow('Keep it as it is')
await follow(/^Send a job to/)
await reaches(/\/jobs$/)
await look('jobs-of-a-long-name')
await page.goto(`${own}/console`)
await look('my-credentials-of-a-long-name')
await press('Sign out')
await reaches(/\/sign-in\?out/)
await page.goto(link)
await page.getByRole('link', { name: 'Other ways to sign in' }).waitFor()
await look('link-that-was-used')
await tell()
