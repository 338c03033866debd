import { readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
const [directory, address, defaultJobType] = process.argv.slice(2)
if (!address) throw new Error('name the directory of the jobs, and the socket or port to listen at')
const require = createRequire(`${realpathSync(directory)}/`)
const load = (name) => { try { return require(name) } catch (error) { console.error(name, error) } }
for (const loader of ['coffee-script/register', 'fs-cson/register']) load(loader)
const { camelCase, upperFirst } = require('lodash')
const { validate } = require('jsonschema')
const jobs = new Map(readdirSync(directory).map((job) => [upperFirst(camelCase(job)), load(`./${job}/`)]))
const run = async ({ encrypted, ...message }) => {
  const job = jobs.get(message.metadata.jobType) ?? jobs.get(defaultJobType)
  if (!job) return { metadata: { code: 404, status: 'Not Found' } }
  const schema = { ...job.message, properties: { ...job.message?.properties, metadata: {} } }
  const errors = validate(message, schema).errors.map(({ stack }) => stack.replace(/^instance\./, 'message.'))
  if (errors.length) return { metadata: { code: 422, status: 'Unprocessable Entity' }, data: { errors } }
  return require('node:util').promisify(job.action.bind(job))({ encrypted }, message)
}
const fail = (response, { code, message }) => response.writeHead(code >= 400 && code < 600 ? code : 500)
  .end(JSON.stringify({ error: { code, message } }))
const server = require('node:http').createServer((request, response) => request.toArray()
  .then(Buffer.concat).then(JSON.parse).then(run).then(JSON.stringify).then((reply) => response.end(reply))
  .catch((error) => fail(response, Object(error))))
if (statSync(address, { throwIfNoEntry: false })?.isSocket()) // a host that crashed may have left it
  await new Promise((go) => require('node:net').connect(address, go)
    .on('error', ({ code }) => go(code === 'ECONNREFUSED' && rmSync(address))))
server.once('listening', () => process.on('uncaughtException', console.error)) // one job ends no others
server.listen(isNaN(address) ? address : { host: '127.0.0.1', port: address }, () => console.log('ready'))
