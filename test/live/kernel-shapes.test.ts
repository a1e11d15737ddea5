/**
 * kernel-shapes.test.ts - shapes of dataplanes that need a module or a newer kernel: netkit, ipvlan, IPVS, Open vSwitch, tunnels.
 */
import { testShapes } from '../support/kernels.js'

testShapes('forky', 'netkit.sh', 'ipvlan.sh', 'shapes.sh')
