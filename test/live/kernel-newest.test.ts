/**
 * kernel-newest.test.ts - the newest kernel that Weir supports of those in Debian's suites.
 */
import { testKernel } from '../support/kernels.js'

testKernel('forky')
