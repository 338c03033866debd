// node handler-host.mjs src/jobs /run/jobs.sock — beside the old service, whose packages it uses; a port works too
import { readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [directory, address] = process.argv.slice(2)
const require = createRequire(resolve(directory, 'index.js'))
for (const loader of ['coffee-script/register', 'fs-cson/register']) try { require(loader) } catch { /* not used */ }
const words = /[A-Z]?[a-z]+(?![a-z\d])|[A-Z]+(?![a-z\d])(?=[A-Z][a-z]|[^A-Z]|$)|[A-Z]?[a-z]+|[A-Z]+|\d*(?:1st|2nd|3rd|(?![123])\dth)(?![a-z\d])|\d*(?:1ST|2ND|3RD|(?![123])\dTH)(?![A-Z\d])|\d+/g
const jobType = (name) => (name.normalize('NFD').replace(/['’\u0300-\u036f]/g, '').match(words) ?? [])
  .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()).join('')
const jobs = new Map()
for (const name of readdirSync(directory)) try {
  const path = resolve(directory, name)
  if (statSync(path).isDirectory()) jobs.set(jobType(name), require(path))
} catch (error) { console.error(`${name} is left out:`, error) }
const run = (job, { encrypted, ...message }) => new Promise((resolve, reject) =>
  job.action({ encrypted }, message, (error, response) => error ? reject(error) : resolve(response)))
if (statSync(address, { throwIfNoEntry: false })?.isSocket()) rmSync(address) // what a host that crashed left behind
createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  try {
    const message = JSON.parse(Buffer.concat(await request.toArray()))
    const job = jobs.get(message.metadata.jobType)
    answer(200, job ? await run(job, message) : { metadata: { code: 404, status: 'Not Found' } })
  } catch ({ code, message }) { answer(code >= 400 && code < 600 ? code : 500, { error: { code, message } }) }
}).listen(/^\d+$/.test(address) ? { host: '127.0.0.1', port: address } : address, () => console.log('ready'))
