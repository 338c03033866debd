// Listens with a firehose client of Meshblu. In: {version, hostname, port, uuid, token, transports, messages, drop, reset};
// out: {happened, messages, channel}. A message is sent at each connect and each upgrade, until all were heard; with `drop`
// the first session is ended by a packet that another client sends in its name, with `reset` by a new token of the
// device. Ends at the first refusal, and where the token ended.
import FirehoseOf2016 from 'meshblu-firehose-socket.io-2'
import Firehose from 'meshblu-firehose-socket.io'
import { readInput } from './record.mjs'

const { version, hostname, port, uuid, token, transports, messages, drop, reset } = await readInput()
const Client = version === 2 ? FirehoseOf2016 : Firehose
const firehose = new Client({ meshbluConfig: { hostname, port, uuid, token, protocol: 'http' }, transports })
const happened = []
const heard = []
const channel = []
let next = 0
let dropped = false
let finished = false

const finish = () => {
  if (finished) return
  finished = true
  process.stdout.write(JSON.stringify({ happened, messages: heard, channel }), () => process.exit(0))
}
const post = (path, headers, body) => fetch(`http://${hostname}:${port}${path}`, { method: 'POST', headers, body })
const authorization = `Basic ${btoa(`${uuid}:${token}`)}`
const send = () => next < messages.length && post('/messages', {
  authorization,
  'content-type': 'application/json',
}, JSON.stringify(messages[next++]))
const end = () => {
  dropped = true
  const sid = firehose.socket.io.engine.id
  return post(`/socket.io/v1/${uuid}/?EIO=3&transport=polling&sid=${sid}`, { 'content-type': 'text/plain' }, '1:1')
}

firehose.on('message', (message) => {
  heard.push(message)
  if (heard.length === messages.length) finish()
})
firehose.on(`message.received.${uuid}`, (message) => channel.push(message.data.n))
const upgraded = () => { happened.push('upgrade'); send() }
firehose.on('connect_error', () => { happened.push('connect_error'); finish() })
for (const name of ['disconnect', 'socket-io:disconnect']) {
  firehose.on(name, () => {
    happened.push('disconnect')
    if (version === 2 || reset) finish()
  })
}
const connected = () => {
  happened.push('connect')
  if (drop && !dropped) return end()
  if (reset) return post(`/devices/${uuid}/token`, { authorization })
  send()
  const { engine } = firehose.socket.io
  if (transports) return
  if (engine.transport.name === 'websocket') upgraded()
  else engine.once('upgrade', upgraded)
}
firehose.on('connect', connected)
if (version === 2) firehose.connect(() => {})
else firehose.connect()
