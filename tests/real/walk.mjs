// A person's way through the pages of a gateway whose API is a provider's, from the link of the terminal on.
// In: {link, provider, screenshots, scripts}; out: {pages, faults}, as pages.mjs has them.
import { open } from './pages.mjs'
import { readInput } from './record.mjs'

const { link, provider, screenshots, scripts } = await readInput()
const own = new URL(link).origin
const { page, look, isOurs, press, follow, reaches, tell } = await open({ screenshots, scripts, elsewhere: provider })
const CREDENTIALS = /\/console\/credentials\/[^/]+$/

// The pages of the provider, up to the one it sends back to.
const consent = async () => {
  await page.waitForURL((url) => url.origin === provider)
  while (!isOurs()) {
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
    await reaches(address)
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
await follow('Receipts')
await reaches(`${own}/console/receipts`)
await page.getByRole('heading', { name: 'A device was cut off' }).waitFor()
await look('receipts')
await page.goto(home)
for (const _ of ['one', 'another']) {
  await press('Add a device of mine')
  await reaches(/\/add-me$/)
  await follow(/^Back to/)
}
await follow('Cut off all devices')
await end('cut-off-all', page.url())
await reaches(home)
await page.getByText('All devices were cut off').waitFor()
await page.getByText('No device uses these credentials').waitFor()
await page.goto(`${home}/leave`)
await page.getByText('You are the last owner').waitFor()
await look('last-owner')
await follow('Forget the secret')
await end('forget', page.url())
await reaches(`${own}/console`)
await look('after-forgetting')

// A link of another site asks first.
await page.route('http://elsewhere.example/', (route) =>
  route.fulfill({ contentType: 'text/html', body: `<a href="${own}/auth/api">Look here</a>` }))
await page.goto('http://elsewhere.example/')
await follow('Look here')
await reaches(`${own}/auth/api`)
await look('a-link-elsewhere')
await press(/^Sign in at/)
await consent()
await reaches(CREDENTIALS)
await look('signed-in-again')
await page.goto(home)
await look('not-found')
await page.goto(`${own}/console`)
await press('Sign out')
await reaches(/\/sign-in\?out/)
await look('signed-out')

// Another person comes by the bus, and has the same account.
await follow('Sign in with the bus')
await reaches(/\/authorize/)
await look('sign-in-at-the-bus')
const registered = await fetch(new URL('/devices', page.url()), { method: 'POST' })
const { uuid, token } = await registered.json()
await page.getByLabel(/uuid/i).fill(uuid)
await page.getByLabel(/token/i).fill('not the token')
await press('Sign in')
await page.getByRole('alert').waitFor()
await look('wrong-token-at-the-bus')
await page.getByLabel(/uuid/i).fill(uuid)
await page.getByLabel(/token/i).fill(token)
await press('Sign in')
await page.getByText('everybody on this bus').waitFor()
await look('open-device-at-the-bus')
await press('Close it and go on')
await page.getByRole('button', { name: 'Allow' }).waitFor()
await look('consent-at-the-bus')
await press('Allow')
await reaches(`${own}/console`)
await look('in-by-the-bus')
await follow(/^Connect/)
await consent()
await reaches(CREDENTIALS)
await look('credentials-of-two')
// The sign-in ends in another tab while a form is filled in, and begins again there.
await press('Add a device of mine')
await reaches(/\/add-me$/)
await follow(/^Back to/)
await reaches(CREDENTIALS)
await follow(/^Send a job to/)
await follow('List Events by User')
await reaches(/\/jobs\/ListEventsByUser$/)
const other = await page.context().newPage()
await other.goto(`${own}/console`)
await other.getByRole('button', { name: 'Sign out' }).click()
await other.waitForURL(/\/sign-in\?out/)
await page.getByLabel('Username').fill('octocat')
await press('Send')
await page.getByText('nothing was sent').waitFor()
await look('job-form-after-the-sign-in')
const opened = page.waitForEvent('popup')
await follow('sign in in a new tab')
const tab = await opened
await tab.getByRole('link', { name: 'Sign in with the bus' }).click()
// Whoever signed out is asked by the bus, too.
await tab.getByLabel(/uuid/i).fill(uuid)
await tab.getByLabel(/token/i).fill(token)
await tab.getByRole('button', { name: 'Sign in' }).click()
await tab.waitForURL(/\/jobs\/ListEventsByUser$/)
await press('Send')
await page.getByText('You signed in since').waitFor()
await look('job-form-signed-in-since')
await press('Send')
// It was sent; what the API says to it is another matter.
await reaches(/\?sent=/)
await page.getByText(/^The job /).waitFor()
await page.goto(`${own}/console`)
await follow('octocat@example.org')
await reaches(CREDENTIALS)
await follow(/^Leave/)
await reaches(/\/leave$/)
await end('leave', page.url())
await reaches(/\/console\?left=/)
await page.getByText('You left').waitFor()
await look('after-leaving')
await tell()
