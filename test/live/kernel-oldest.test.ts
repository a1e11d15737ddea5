/**
 * kernel-oldest.test.ts - the oldest kernel that Weir supports of those in Debian's suites.
 */
import { testKernel } from '../support/kernels.js'

testKernel('bookworm-security')
