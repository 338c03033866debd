// Verifies and opens a format 2 record with jose. In: {privateKeyPem, endo, endoSignature}; out: {kid, header, contents}.
import { verify } from 'node:crypto'
import { compactDecrypt } from 'jose'
import { canonical, keysFrom, readInput } from './record.mjs'

const { privateKeyPem, endo, endoSignature } = await readInput()
const { privateKey, publicKey, kid } = await keysFrom(privateKeyPem)
if (!verify('RSA-SHA256', Buffer.from(canonical(endo)), publicKey, Buffer.from(endoSignature, 'base64'))) {
  throw new Error('endoSignature does not verify')
}
const { plaintext, protectedHeader } = await compactDecrypt(endo.encrypted, privateKey)
process.stdout.write(JSON.stringify({ kid, header: protectedHeader, contents: JSON.parse(Buffer.from(plaintext)) }))
