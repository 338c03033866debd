// Calls methods of meshblu-http one after the other. In: {server, calls: [{options, method, args}]}; out: what each
// callback was given, {values} or {error}. A text `$0.token` stands for a member of the first call's value.
import MeshbluHttp from 'meshblu-http'
import { readInput } from './record.mjs'

const { server, calls } = await readInput()
const outcomes = []

const filled = (value) => {
  if (typeof value === 'string') {
    const [, index, member] = /^\$(\d+)\.(\w+)$/.exec(value) ?? []
    return index === undefined ? value : outcomes[index].values[0][member]
  }
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(filled)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filled(member)]))
}

// JSON has no word for it, and callbacks tell it from null.
const told = (value) => value === undefined ? 'undefined' : value

for (const { options, method, args } of calls) {
  const client = new MeshbluHttp({ ...server, ...filled(options) })
  const values = filled(args)
  outcomes.push(await new Promise((resolve) => {
    client[method](...values, (error, ...given) => {
      if (error) resolve({ error: { code: error.code, message: error.message } })
      else resolve({ values: given.map(told) })
    })
  }))
}

// Its connections are kept alive, and the process with them.
process.stdout.write(JSON.stringify(outcomes), () => process.exit())
