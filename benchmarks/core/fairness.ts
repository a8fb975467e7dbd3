// Measures how long a 10 ms timer and a TCP echo take while two tasks wake each other without a pause.
// Run: node core/fairness.ts
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createTask, Future, run, sleep, wait } from '@tasktree/core'
import { median, table } from '../measure.ts'

const rounds = 100

await run(async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  await once(socket, 'connect')

  let turns = 0
  let ping = new Future<void>()
  let pong = new Future<void>()
  const players = [
    createTask(async () => {
      for (;;) {
        await ping
        ping = new Future()
        turns++
        pong.setResult()
      }
    }),
    createTask(async () => {
      for (;;) {
        await pong
        pong = new Future()
        turns++
        ping.setResult()
      }
    }),
  ]
  ping.setResult()

  const timers: number[] = []
  const echoes: number[] = []
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    await sleep(10)
    timers.push(performance.now() - start)
    const sent = performance.now()
    socket.write('x')
    await once(socket, 'data')
    echoes.push(performance.now() - sent)
  }
  if (turns < rounds) throw new Error('the players did not play')
  for (const player of players) player.cancel()
  await wait(players)
  socket.destroy()
  server.close()
  const row = (name: string, samples: number[]): (string | number)[] => [
    name,
    median(samples),
    Math.max(...samples),
  ]
  process.stdout.write(
    `${table([`under a ping-pong of ${turns} turns, ms`, 'median', 'latest'], [row('a 10 ms timer', timers), row('a TCP echo', echoes)])}\n`,
  )
})
