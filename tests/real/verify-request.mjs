// Verifies a request with http-signature. In: {publicKeyPem, method, path, headers}; out: {verified}.
import httpSignature from 'http-signature'
import { readInput } from './record.mjs'

const { publicKeyPem, method, path, headers } = await readInput()
const parsed = httpSignature.parseRequest({ method, url: path, httpVersion: '1.1', headers })
process.stdout.write(JSON.stringify({ verified: httpSignature.verifySignature(parsed, publicKeyPem) }))
