const [directory, address, defaultJobType] = process.argv.slice(2)
const { readdirSync, realpathSync } = require('node:fs')
const service = require('node:module').createRequire(`${realpathSync(directory)}/`)
const load = (name) => { try { return service(name) } catch (error) { console.error(name, error) } }
for (const loader of ['coffee-script/register', 'fs-cson/register']) load(loader)
const [{ camelCase, upperFirst }, { validate }] = [service('lodash'), service('jsonschema')]
const jobs = new Map(readdirSync(directory).map((job) => [upperFirst(camelCase(job)), load(`./${job}/`)]))
const run = async ({ encrypted, ...message }) => {
  const job = jobs.get(message.metadata.jobType) ?? jobs.get(defaultJobType)
  if (!job) return { metadata: { code: 404, status: 'Not Found' } }
  const schema = { ...job.message, properties: { ...job.message?.properties, metadata: {} } }
  const errors = validate(message, schema).errors.map(({ stack }) => stack.replace(/^instance\./, 'message.'))
  if (errors.length) return { metadata: { code: 422, status: 'Unprocessable Entity' }, data: { errors } }
  return require('node:util').promisify(job.action.bind(job))({ encrypted }, message)
}
const fail = (res, { code, message }) => res.writeHead(code === 401 ? 401 : 500).end(JSON.stringify({ error: { code, message } }))
require('node:http').createServer((req, res) => req.toArray().then(Buffer.concat).then(JSON.parse).then(run)
  .then((reply) => res.end(JSON.stringify(reply))).catch((error) => fail(res, Object(error))))
  .listen(isNaN(address) ? { path: address } : { host: '127.0.0.1', port: address }, () => console.log('ready'))
  .once('listening', () => process.on('uncaughtException', console.error))
