import { KeyboardInterrupt, run } from '@tasktree/core'
import { startJobd } from './jobd.ts'
import { tour } from './tour.ts'

const usage = `usage: npm run demo                              the tour
       npm run demo -- serve [--db FILE] [--port N] [--workers N]   stays up
`

const [command = 'tour', ...options] = process.argv.slice(2)

if (command === 'tour') {
  await run(() => tour((line) => void process.stdout.write(`${line}\n`)))
} else if (command === 'serve') {
  await run(serve).catch(ignoreInterrupt)
} else {
  process.stderr.write(usage)
  process.exitCode = command === '--help' ? 0 : 2
}

/** To be told to stop is what ends a server: the tree has been stopped by then. */
function ignoreInterrupt(error: unknown): void {
  if (!(error instanceof KeyboardInterrupt)) throw error
}

async function serve(): Promise<void> {
  const option = (name: string, fallback: string): string => {
    const at = options.indexOf(`--${name}`)
    return at === -1 ? fallback : (options[at + 1] ?? fallback)
  }
  const { system, port } = await startJobd({
    file: option('db', 'jobd.sqlite'),
    host: '127.0.0.1',
    port: Number(option('port', '7379')),
    workers: Number(option('workers', '4')),
  })
  await using _ = system
  process.stdout.write(`jobd listens on 127.0.0.1:${port}\n`)
  // A tree that has given up must not leave a process that listens to nobody.
  await system.done
}
