import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md'],
  [
    "42\n{ kind: 'shutdown' }\n",
    'a price is not negative\nActorCrashed\nsold for 1 by incarnation 2\n',
    [
      '1',
      'app  rest-for-one  running',
      '├─ store  actor  running',
      '├─ pool  resource  running',
      '├─ workers  dynamic  running',
      '│  └─ w1  actor  running',
      '└─ heartbeat  task  running  waits for Sleep',
      '',
    ].join('\n'),
    '1\n',
  ],
)
