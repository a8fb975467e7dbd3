/** The sections of the site in the order of the sidebar, and the order of their pages. */
export const sections: readonly {
  readonly title: string
  readonly folder: string
  readonly order: readonly string[]
}[] = [
  { title: 'Start', folder: 'start', order: ['install', 'ten-minutes'] },
  {
    title: 'Tutorial: a crawler',
    folder: 'tutorial',
    order: [
      'tasks',
      'cancel-and-timeout',
      'queue',
      'rate-limit',
      'subprocess',
      'pool',
      'actors',
      'tests',
    ],
  },
  {
    title: 'Concepts',
    folder: 'concepts',
    order: [
      'tasks',
      'cancellation',
      'scopes',
      'timeout-or-fail-after',
      'clean-up',
      'context',
      'backpressure',
      'processes',
      'supervision',
      'uninterruptible',
    ],
  },
  { title: 'How-to', folder: 'how-to', order: [] },
  {
    title: 'Coming from',
    folder: 'coming-from',
    order: [
      'asyncio',
      'differences-from-asyncio',
      'trio',
      'effect',
      'abort-controller',
      'promise-helpers',
      'execa',
      'piscina',
      'otp',
      'akka',
      'bullmq',
    ],
  },
  { title: 'Packages', folder: 'packages', order: ['core', 'sync', 'flow'] },
  { title: 'Reference', folder: 'reference', order: [] },
  { title: 'Performance', folder: 'performance', order: [] },
  { title: 'Design', folder: 'design', order: ['kernel', 'waiting'] },
]
