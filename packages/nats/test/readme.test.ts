import { afterAll, beforeAll } from 'vitest'
import { testPrograms } from '../../../vitest.programs.ts'
import { describeWithServer } from './support/server.ts'

describeWithServer('README', (server) => {
  beforeAll(() => {
    process.env['NATS_URL'] = server.url
  })
  afterAll(() => {
    delete process.env['NATS_URL']
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
})
