// What the scripts beside this one share: records of format 2 as any JOSE library sees them.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'

export const readInput = async () => {
  let text = ''
  for await (const chunk of process.stdin) text += chunk
  return JSON.parse(text)
}

export const keysFrom = async (pem) => {
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  return { privateKey, publicKey, kid: await calculateJwkThumbprint(publicKey.export({ format: 'jwk' })) }
}

// RFC 8785. JavaScript's own sort compares UTF-16 code units, its own JSON writes numbers and strings as required.
export const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
  return `{${members.join(',')}}`
}
