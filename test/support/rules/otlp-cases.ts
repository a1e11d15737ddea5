/**
 * otlp-cases.ts - cases of the alerts on OTLP, which dashboards/otlp-rules.ts defines.
 */
import { AT_NODE, type Case, counting, exported, holding, node, WHERE } from './case.js'

export const OTLP_CASES: Readonly<Record<string, Case>> = {
  WeirOtlpFailing: {
    fires: {
      input: [exported('success', 0), exported('partial', 0), exported('unreachable', 1 / 60), exported('skipped', 0)],
      alerts: [
        {
          labels: { ...AT_NODE, result: 'unreachable' },
          description: `The receiver accepted no export from ${WHERE} in the past 20 minutes: unreachable.`,
        },
      ],
    },
    quiet: {
      'one of ten accepted': [exported('success', 1 / 600), exported('partial', 0), exported('timeout', 9 / 600)],
      'partial success only': [exported('success', 0), exported('partial', 1 / 60), exported('refused', 1 / 600)],
      'skipped only': [
        exported('success', 0),
        exported('partial', 0),
        exported('unreachable', 0),
        exported('skipped', 1),
      ],
    },
    at: '40m',
  },
  WeirOtlpPointsLost: {
    fires: {
      input: [
        node('weir_otlp_points_rejected_total', counting(2)),
        node('weir_otlp_points_dropped_total', counting(1)),
      ],
      alerts: [
        {
          labels: AT_NODE,
          description: `3 data points per second from ${WHERE} are rejected by the receiver or dropped.`,
        },
      ],
    },
    quiet: {
      'points lost an hour ago': [
        node('weir_otlp_points_rejected_total', holding(9)),
        node('weir_otlp_points_dropped_total', holding(9)),
      ],
    },
  },
}
