import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '@tasktree/core'
import * as jobd from '@tasktree/jobd'
import { startServer } from '@tasktree/net'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { inFolder } from './support/folder.ts'
import { inJobd } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }

test('each error of a client has a class and a code', slow, () =>
  inJobd(
    async ({ jobd: { port }, client, add, reach }) => {
      const connect = (password: string | null): Promise<jobd.JobClient> =>
        jobd.JobClient.connect('127.0.0.1', port, { password })
      await expect(connect(null)).rejects.toThrow(/^NOAUTH .*connect with the option `password`$/)
      const running = await add('sleep', '60000')
      await reach(running, 'running')
      await add('sleep', '0')
      const closing = await connect('sesame')
      const interrupted = thrown(closing.wait(running))
      await closing.get(running)
      await closing[Symbol.asyncDispose]()
      const { ClientClosed, ErrorReply, JobFailedError } = jobd
      const result = thrown(client.result(running))
      for (const [failure, type, code] of [
        [thrown(client.add('sleep', '0')), ErrorReply, 'BUSY'],
        [thrown(client.wait(running, { timeout: 1 })), ErrorReply, 'TIMEOUT'],
        [thrown(client.command('NO')), ErrorReply, 'REPLY'],
        [thrown(connect(null)), ErrorReply, 'NOAUTH'],
        [thrown(connect('wrong')), ErrorReply, 'WRONGPASS'],
        [interrupted, ClientClosed, 'CLIENT_CLOSED'],
        [thrown(closing.get(running)), ClientClosed, 'CLIENT_CLOSED'],
        [client.cancel(running).then(() => result), JobFailedError, 'JOB_FAILED'],
      ] as const) {
        const error = await failure
        expect(error).toBeInstanceOf(type)
        expect(error).toMatchObject({ name: type.name, code: `ERR_JOBD_${code}` })
      }
    },
    { workers: 1, maxQueued: 1, password: 'sesame' },
  ),
)

test('an error of another server, of a file and of a module of kinds has a code', () =>
  inFolder((folder) =>
    run(async () => {
      await using other = await startServer(
        (_, writer) => {
          writer.write('HTTP/1.1 400 Bad Request\r\n\r\n')
        },
        { host: '127.0.0.1', port: 0 },
      )
      const connecting = jobd.JobClient.connect('127.0.0.1', other.sockets[0]?.port ?? 0)
      const foreign = join(folder, 'foreign')
      writeFileSync(foreign, 'this is no database, and is long enough to be seen as none')
      const file = join(folder, 'jobs')
      const kinds = new URL(`file://${folder}/missing.js`)
      for (const [failure, type, code] of [
        [thrown(connecting), jobd.ProtocolError, 'PROTOCOL'],
        [thrown(jobd.startJobd({ file: foreign })), jobd.JobFileError, 'FILE'],
        [thrown(jobd.startJobd({ file, kinds })), jobd.KindError, 'KIND'],
      ] as const) {
        const error = await failure
        expect(error).toBeInstanceOf(type)
        expect(error).toMatchObject({ name: type.name, code: `ERR_JOBD_${code}` })
      }
    }),
  ))
