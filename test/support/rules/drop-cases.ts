/**
 * drop-cases.ts - cases of the alerts on drops, which dashboards/drop-rules.ts defines.
 */
import {
  type Case,
  counting,
  DATA_THRESHOLD,
  dropped,
  END,
  holding,
  hubbleDropped,
  hubbleSent,
  node,
  PAIR,
  ratioAlerts,
  SHOP_THRESHOLD,
  SHOP_TO_DATA,
  sent,
} from './case.js'

export const DROP_CASES: Readonly<Record<string, Case>> = {
  WeirNamespaceDropRatioHigh: {
    fires: { input: [sent(100), dropped(2)], alerts: ratioAlerts('packets', '2%') },
    quiet: {
      'a ratio just under the threshold': [
        sent(200),
        dropped(1.9),
        [
          `weir_flow_packets_total{${SHOP_TO_DATA},reporter="destination",verdict="FORWARDED",protocol="TCP"}`,
          counting(198),
        ],
      ],
      'a high ratio of very little traffic': [sent(2), dropped(0.9)],
      'namespaces with higher thresholds': [sent(100), dropped(20), SHOP_THRESHOLD, DATA_THRESHOLD],
    },
    at: '20m',
  },
  WeirNamespaceDropRatioCritical: {
    fires: { input: [sent(200), dropped(12)], alerts: ratioAlerts('packets', '6%') },
    quiet: { 'a high ratio at less than ten packets per second': [sent(50), dropped(9)] },
    at: '20m',
  },
  WeirNewDropReason: {
    fires: {
      input: [
        node('weir_build_info', holding(1, END)),
        [
          `weir_drop_packets_total{${SHOP_TO_DATA},reporter="node",reason="NETFILTER_DROP",protocol="TCP"}`,
          `_x1560 0+60x40`,
        ],
      ],
      alerts: [
        {
          labels: { reason: 'NETFILTER_DROP' },
          description: 'Drop reason NETFILTER_DROP is new: 1 packets per second.',
        },
      ],
    },
    quiet: {
      'a reason that occurred yesterday': [node('weir_build_info', holding(1, END)), dropped(1, END)],
      'a reason on the first day of scraping': [
        ['weir_build_info{node="n1"}', `_x1500 1+0x100`],
        [`weir_drop_packets_total{${SHOP_TO_DATA},reason="NETFILTER_DROP",protocol="TCP"}`, `_x1560 0+60x40`],
      ],
    },
    at: '1580m',
  },
  WeirWorkloadPairDrops: {
    fires: {
      input: [dropped(6)],
      alerts: [
        {
          labels: { ...PAIR, reason: 'NETFILTER_DROP' },
          description: '6 packets per second from shop/api to data/database are dropped: NETFILTER_DROP.',
        },
      ],
    },
    quiet: { 'just under the threshold': [dropped(4.9)] },
  },
  WeirHubbleNamespaceDropRatioHigh: {
    fires: { input: [hubbleSent(100), hubbleDropped(2)], alerts: ratioAlerts('flows', '2%') },
    quiet: { 'a high ratio of very little traffic': [hubbleSent(2), hubbleDropped(0.9)] },
    at: '20m',
  },
  WeirHubbleNamespaceDropRatioCritical: {
    fires: { input: [hubbleSent(200), hubbleDropped(12)], alerts: ratioAlerts('flows', '6%') },
    quiet: { 'a high ratio at less than ten flows per second': [hubbleSent(50), hubbleDropped(9)] },
    at: '20m',
  },
  WeirHubbleNewDropReason: {
    fires: {
      input: [
        ['hubble_lost_events_total{source="perf_event_ring_buffer"}', holding(0, END)],
        [`hubble_drop_total{${SHOP_TO_DATA},reason="POLICY_DENIED",protocol="TCP"}`, `_x1560 0+60x40`],
      ],
      alerts: [
        { labels: { reason: 'POLICY_DENIED' }, description: 'Drop reason POLICY_DENIED is new: 1 flows per second.' },
      ],
    },
    quiet: {
      'a reason that occurred yesterday': [
        ['hubble_lost_events_total{source="perf_event_ring_buffer"}', holding(0, END)],
        hubbleDropped(1, END),
      ],
    },
    at: '1580m',
  },
  WeirHubbleWorkloadPairDrops: {
    fires: {
      input: [hubbleDropped(6)],
      alerts: [
        {
          labels: { ...PAIR, reason: 'POLICY_DENIED' },
          description: '6 flows per second from shop/api to data/database are dropped: POLICY_DENIED.',
        },
      ],
    },
    quiet: { 'just under the threshold': [hubbleDropped(4.9)] },
  },
}
