// node handler-host.mjs src/jobs /run/jobs.sock — beside the old service, whose packages it uses; a port works too
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [directory, address] = process.argv.slice(2)
const require = createRequire(resolve(directory, 'index.js'))
for (const loader of ['coffee-script/register', 'fs-cson/register']) try { require(loader) } catch { /* not used */ }
const jobType = (name) => name.split(/[^a-z0-9]+/i).map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
const jobs = new Map(readdirSync(directory).map((name) => [jobType(name), require(resolve(directory, name))]))
const run = (job, { encrypted, ...message }) => new Promise((resolve, reject) =>
  job.action({ encrypted }, message, (error, response) => error ? reject(error) : resolve(response)))
createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  try {
    const message = JSON.parse(Buffer.concat(await request.toArray()))
    const job = jobs.get(message.metadata.jobType)
    answer(200, job ? await run(job, message) : { metadata: { code: 404, status: 'Not Found' } })
  } catch ({ code, message }) { answer(code >= 400 && code < 600 ? code : 500, { error: { code, message } }) }
}).listen(/^\d+$/.test(address) ? { host: '127.0.0.1', port: address } : address, () => console.log('ready'))
