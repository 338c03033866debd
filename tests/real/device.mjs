// What a person does with a device on the page of their credentials, whatever those came from: adds one, looks at the
// form of a job, fills it where `job` says with what and what the page says then, and cuts all devices off. These pages
// are looked at in walk.mjs.
export const useDevice = async ({ page, pass, press, follow, reaches }, { job } = {}) => {
  const home = page.url()
  await press('Add a device of mine')
  await reaches(/\/add-me$/)
  pass('new-device')
  await follow(/^Back to/)
  await reaches(home)
  await follow(/^Send a job to/)
  await reaches(/\/jobs$/)
  pass('jobs')
  await follow('List Events by User')
  await reaches(/\/jobs\/ListEventsByUser$/)
  pass('job-form')
  if (job) {
    await page.getByLabel('Username').fill(job.username)
    await press('Send')
    await reaches(/\?sent=/)
    await page.getByText(job.says).waitFor()
    pass('job-that-failed')
  }
  await page.goto(home)
  await follow('Cut off all devices')
  await reaches(/\/cut-off-all$/)
  pass('cut-off-all')
  await page.getByRole('main').getByRole('button').click()
  await reaches(home)
  await page.getByText('All devices were cut off').waitFor()
  pass('after-the-cut')
}
