/* SPDX-License-Identifier: Apache-2.0 */
/*
 * background_close.h - closes descriptors whose release takes the kernel long, without waiting.
 *
 * Out:   a kernel worker releases them (6.10 and newer). Older kernels, and failures, release them
 *        before the call returns.
 */
#pragma once

#include "owned.h"

#include <vector>

void CloseInBackground(std::vector<Fd> descriptors);
