// An OpenID provider on a free port of loopback, with PKCE, rotation of refresh tokens and revocation, and beside it an
// API that takes its tokens; it says its address on standard output and ends with standard input.
// Out, one JSON line: {issuer, front}; in, one JSON line: {client_id, client_secret, redirect_uri}. GET /happened tells what it
// was asked for tokens, what of that it refused and why, and all tokens that it ever gave. `front` is another origin that leads
// browsers to the provider, as those do whose people sign in at a host of its own.
import http from 'node:http'
import readline from 'node:readline'
import Provider from 'oidc-provider'

let begin
const provider = new Promise((resolve) => { begin = resolve })
const happened = { grants: [], refused: [], access: [], refresh: [], called: [] }

const say = (response, status, body) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const events = async (request, response) => {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
  const found = await (await provider).AccessToken.find(token)
  happened.called.push(token)
  if (!found) return say(response, 401, { message: 'Bad credentials' })
  if (request.url.startsWith('/users/nobody/')) return say(response, 404, { message: 'Not Found' })
  say(response, 200, [{
    type: 'PushEvent',
    created_at: '2026-01-01T00:00:00Z',
    actor: { display_login: found.accountId },
    repo: { name: `${found.accountId}/hello-world` },
    payload: { ref: 'refs/heads/main', head: '7fd1a60b01f91b314f59955a4e4d4e80d8edf11d' },
  }])
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/happened') return say(response, 200, happened)
  if (/^\/users\/[^/]+\/events/.test(request.url)) return events(request, response)
  ;(await provider).callback()(request, response)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`
const hall = http.createServer((request, response) =>
  response.writeHead(302, { location: `${issuer}${request.url}` }).end())
await new Promise((resolve) => hall.listen(0, '127.0.0.1', resolve))
const front = `http://127.0.0.1:${hall.address().port}`
process.stdout.write(JSON.stringify({ issuer, front }) + '\n')

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { client_id, client_secret, redirect_uri } = JSON.parse((await lines.next()).value)
const opened = new Provider(issuer, {
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
opened.on('grant.success', (ctx) => happened.grants.push(ctx.oidc.params.grant_type))
opened.on('grant.error', (_, error) => happened.refused.push(error.error_detail ?? error.message))
opened.on('access_token.saved', (token) => happened.access.push(token.jti))
opened.on('refresh_token.saved', (token) => happened.refresh.push(token.jti))
begin(opened)
await lines.next()
process.exit(0)
