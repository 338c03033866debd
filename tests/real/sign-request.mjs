// Signs a request with http-signature. In: {privateKeyPem, method, path, headers, signed, algorithm}; out: {authorization}.
import httpSignature from 'http-signature'
import { readInput } from './record.mjs'

const { privateKeyPem, method, path, headers, signed, algorithm } = await readInput()
const request = {
  method,
  path,
  getHeader: (name) => headers[name.toLowerCase()],
  setHeader: (name, value) => { headers[name.toLowerCase()] = value },
}
httpSignature.sign(request, { key: privateKeyPem, keyId: 'meshblu-webhook-key', headers: signed, algorithm })
process.stdout.write(JSON.stringify({ authorization: headers.authorization }))
