// Says one message in several frames by the npm client ws. In: {url, pieces}; out: {heard}, the three texts that come.
import WebSocket from 'ws'
import { readInput } from './record.mjs'

const { url, pieces } = await readInput()
const socket = new WebSocket(url)
const heard = []
const finish = () => process.stdout.write(JSON.stringify({ heard }), () => process.exit(0))

socket.on('open', () => pieces.forEach((piece, place) => socket.send(piece, { fin: place === pieces.length - 1 })))
socket.on('close', finish)
socket.on('message', (text) => {
  heard.push(text)
  if (heard.length === 3) finish()
})
