const workerpool = require('workerpool')

workerpool.worker({ increment: (n) => n + 1 })
