import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What to tell a user who does not have the program. */
export const howToInstall =
  'nats-server is not on the PATH. Debian and Ubuntu: apt install nats-server. macOS: brew install nats-server. Others: https://nats.io/download'

/**
 * Returns the path of the program nats-server, or null if it is not installed. Debian installs it in /usr/sbin, which is not
 * on the PATH of every user.
 */
export function findNatsServer(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  for (const folder of folders) {
    try {
      accessSync(join(folder, 'nats-server'), constants.X_OK)
      return join(folder, 'nats-server')
    } catch {
      // It is not in this folder.
    }
  }
  return null
}
