/**
 * file-cases.ts - cases of the alerts on configuration files, which dashboards/file-rules.ts defines.
 */
import { AT_NODE, type Case, holding, node, WHERE } from './case.js'

export const FILE_CASES: Readonly<Record<string, Case>> = {
  WeirInventoryReloadFailed: {
    fires: {
      input: [node('weir_inventory_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The inventory file on ${WHERE} has an error. Weir uses the names of its last valid version.`,
        },
      ],
    },
    quiet: { 'a valid file': [node('weir_inventory_last_reload_successful', holding(1))] },
  },
  WeirConfigReloadFailed: {
    fires: {
      input: [node('weir_config_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The configuration on ${WHERE} has an error. Weir keeps the previous one, but a restart would fail.`,
        },
      ],
    },
    quiet: {
      'fixed within five minutes': [node('weir_config_last_reload_successful', '1+0x26 0+0x3 1+0x40')],
    },
  },
  WeirWebConfigReloadFailed: {
    fires: {
      input: [node('weir_web_config_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The web config file or a certificate on ${WHERE} has an error. Weir serves with the previous certificates and passwords.`,
        },
      ],
    },
    quiet: {
      'a certificate replaced before its key': [node('weir_web_config_last_reload_successful', '1+0x28 0 1+0x40')],
    },
  },
  WeirHubbleConfigReloadFailed: {
    fires: {
      input: [node('weir_hubble_config_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The hubble_* metrics file on ${WHERE} has an error. Weir keeps the metrics of its last valid version.`,
        },
      ],
    },
    quiet: { 'a valid file': [node('weir_hubble_config_last_reload_successful', holding(1))] },
  },
}
