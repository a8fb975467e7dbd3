import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md', '../../../docs/testing.md', '../../../docs/timeout-or-fail-after.md'],
  [
    'cleaned up\ntrue\n',
    'true\nb\n',
    'in time\ntrue\n',
    'from the second mirror\n',
    '21.5\n0\n',
    'worked\ncleaned up\n',
    '3 7\n2\n',
    '{ schedules: 1000 }\n',
    'true\n',
    'ScheduleError\n',
    'timeout:\n  swallowed one cancel\n  went on\n  finished\nfailAfter:\n  swallowed one cancel\n  TimeoutError\n',
    'shield:\n  CancelledError\n  the task has ended\n  saved\nshielded:\n  saved\n  CancelledError\n  the task has ended\n',
  ],
)
