// An OpenID provider on a free port of loopback, with PKCE, rotation of refresh tokens and revocation; it says its
// address on standard output and ends with standard input.
// In, one JSON line: {client_id, client_secret, redirect_uri}; out, one JSON line: {issuer}.
import http from 'node:http'
import readline from 'node:readline'
import Provider from 'oidc-provider'

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { client_id, client_secret, redirect_uri } = JSON.parse((await lines.next()).value)

const server = http.createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(issuer, {
  clients: [
    {
      client_id,
      client_secret,
      redirect_uris: [redirect_uri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  pkce: { required: () => true, methods: ['S256'] },
  features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, RefreshToken: 86400 },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, preferred_username: `${sub}@example.org` }) }),
  scopes: ['openid', 'offline_access', 'profile'],
  claims: { openid: ['sub'], profile: ['preferred_username'] },
})
server.on('request', provider.callback())
process.stdout.write(JSON.stringify({ issuer }) + '\n')
await lines.next()
process.exit(0)
