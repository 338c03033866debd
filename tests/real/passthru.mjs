// A person's way through the pages of a gateway without an API, from the link of the terminal on.
// In: {link, screenshots, scripts}; out: {pages, faults}, as pages.mjs has them.
import { useDevice } from './device.mjs'
import { open } from './pages.mjs'
import { readInput } from './record.mjs'

const { link, screenshots, scripts } = await readInput()
const own = new URL(link).origin
const way = await open({ screenshots, scripts })
const { page, look, press, follow, reaches, tell } = way

await page.goto(link)
await press('Sign in')
await reaches(`${own}/console`)
await look('no-credentials')
await follow(/^Connect/)
await reaches(/\/auth\/api$/)
await look('no-account')
await press('Go on')
await reaches(/\/console\/credentials\/[^/]+$/)
await look('credentials-of-nobody-else')
// There is no address that a job could call.
await useDevice(way, { job: { username: 'octocat', says: 'The job was not done' } })
await page.goto(`${own}${new URL(page.url()).pathname}/leave`)
await page.getByText('You are the last owner').waitFor()
await look('last-owner')
await tell()
