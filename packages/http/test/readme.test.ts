import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  [
    'hello\n/report cleans up\n',
    '/private 403 not for you\nonError: GET the password of the database is wrong\n/broken 500 \n/slow 503 \ntoo large: 413\n',
    'ready: 503\ndone\nclosed\n',
    'event: tick\nnobody listens any more\n',
    '{ apple: 3 }\nTimeoutError\nthe slow server was left\n',
    'the report has ended\n',
    'the report of Fastify has ended\nthe report of Hono has ended\n',
    'message 1\nthe peer has gone\n',
  ],
)
