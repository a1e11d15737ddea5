/**
 * names.ts - settings of who is who: the world file.
 */
import { path } from './kind.js'
import { optional } from './setting.js'

export const names = {
  world: optional(path, {
    help: 'who is who, JSON or YAML; read again when it changes',
    defaultText: 'this host and the world',
  }),
}
