// node handler-host.mjs src/jobs /run/jobs.sock [DefaultJobType] — beside the old service, whose packages it uses; a port works too
import { readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { promisify } from 'node:util'
const end = (why) => process.exit(console.error('no host of jobs:', why) ?? 1)
const [directory, address = end('name the directory of the jobs, and the socket or port to listen at'), defaultJobType] = process.argv.slice(2)
const require = createRequire(`${realpathSync(directory)}/`)
for (const loader of ['coffee-script/register', 'fs-cson/register']) try { require(loader) } catch { /* not used */ }
const { camelCase, upperFirst } = require('lodash')
if (statSync(address, { throwIfNoEntry: false })?.isSocket()) await new Promise((go) => connect(address, go).on('error', ({ code }) => go(code === 'ECONNREFUSED' && rmSync(address)))) // a host that crashed left it
const jobs = new Map(readdirSync(directory).map((name) => { try { return [upperFirst(camelCase(name)), require(`./${name}/`)] } catch (error) { return console.error(`${name} is left out:`, error) ?? [] } }))
createServer(async (request, response) => { try {
  const { encrypted, ...message } = JSON.parse(Buffer.concat(await request.toArray()))
  const job = jobs.get(message.metadata.jobType) ?? jobs.get(defaultJobType)
  response.end(JSON.stringify(job ? await promisify(job.action.bind(job))({ encrypted }, message) : { metadata: { code: 404, status: 'Not Found' } }))
} catch (error) { const { code, message } = Object(error); response.writeHead(code >= 400 && code < 600 ? code : 500).end(JSON.stringify({ error: { code, message } })) }
}).on('error', ({ message }) => end(message)).listen(/^\d+$/.test(address) ? { host: '127.0.0.1', port: address } : address, () => console.log('ready'))
process.on('uncaughtException', (error) => console.error('a job broke where nobody waits for it:', error)) // the others go on
