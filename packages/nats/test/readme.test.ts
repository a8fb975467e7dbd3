import { afterAll, beforeAll, describe } from 'vitest'
import { testPrograms } from '../../../vitest.programs.ts'
import { NatsServer, withoutServer } from './support/server.ts'

describe.skipIf(withoutServer)(
  `README${withoutServer ? ` (skipped: ${withoutServer})` : ''}`,
  () => {
    let server: NatsServer
    beforeAll(async () => {
      server = await NatsServer.start()
      process.env['NATS_URL'] = server.url
    })
    afterAll(async () => {
      delete process.env['NATS_URL']
      await server[Symbol.asyncDispose]()
    })

    testPrograms(
      import.meta.dirname,
      ['../README.md'],
      [
        'a.png at 100\nb.png at 200\n',
        '42\n2 nodes\n',
        'billing runs on one\nbilling runs on two\n',
        '10\n16\n',
        'false\n3\n',
      ],
    )
  },
)
