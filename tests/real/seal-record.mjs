// Makes a format 2 record with jose. In: {privateKeyPem, device, hosts, generation, contents}; out: {endo, endoSignature}.
import { sign } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { canonical, keysFrom, readInput } from './record.mjs'

const { privateKeyPem, device, hosts, generation, contents } = await readInput()
const { privateKey, publicKey, kid } = await keysFrom(privateKeyPem)
const signature = (text) => sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64')
const encrypted = await new CompactEncrypt(Buffer.from(JSON.stringify(contents)))
  .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid, device, hosts })
  .encrypt(publicKey)
const endo = {
  authorizedKey: contents.owners.map((owner) => signature(JSON.stringify(owner))),
  idKey: signature(JSON.stringify(contents.id)),
  credentialsDeviceUuid: device,
  version: '2.0.0',
  generation,
  encrypted,
}
process.stdout.write(JSON.stringify({ endo, endoSignature: signature(canonical(endo)) }))
