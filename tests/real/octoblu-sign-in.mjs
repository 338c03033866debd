// One step of npm's passport-octoblu, which gateways of old sign people in with.
// In: {bus, uuid, token, query}; out: {redirect}, {user}, {fail} or {error}.
import OctobluStrategy from 'passport-octoblu'
import { readInput } from './record.mjs'

const { bus, uuid, token, query } = await readInput()
const { hostname, port } = new URL(bus)
const strategy = new OctobluStrategy({
  authorizationURL: `${bus}/authorize`,
  tokenURL: `${bus}/access_token`,
  clientID: uuid,
  clientSecret: token,
  meshbluConfig: { protocol: 'http', hostname, port, resolveSrv: false }
}, (bearerToken, refreshToken, { uuid }, done) => done(null, { uuid, bearerToken }))

const outcome = await new Promise(resolve => {
  strategy.redirect = redirect => resolve({ redirect })
  strategy.success = user => resolve({ user })
  strategy.fail = fail => resolve({ fail: fail ?? null })
  strategy.error = error => resolve({ error: error.message })
  strategy.authenticate({ query, body: {}, headers: {} }, {})
})
process.stdout.write(JSON.stringify(outcome))
