import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  [
    'done with a.example\ndone with b.example\ndone with c.example\ndone with slow.example\nTimeoutError\n',
    'the user left\n',
    '6 items\n',
    'the circuit is open\nCircuitOpenError after 3 calls\n',
    '3 users by 2 queries\na newer call has taken the place of this one\nresults for task\n',
    'tick 1\ntick 3\nready after 3\nhello\none\ntwo\n0 listeners are left\n',
  ],
)
