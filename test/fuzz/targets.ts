/**
 * targets.ts - all fuzz targets. A new one is a file with a FuzzTarget and a line here.
 */
import { flowRequests } from './flow-requests.js'
import { kubernetesObjects } from './kubernetes-objects.js'
import { recordings } from './recordings.js'
import { records } from './records.js'
import type { FuzzTarget } from './target.js'
import { webRequests } from './web-requests.js'
import { yamlFiles } from './yaml-files.js'

export const TARGETS: readonly FuzzTarget[] = [
  records,
  recordings,
  flowRequests,
  webRequests,
  yamlFiles,
  kubernetesObjects,
]
