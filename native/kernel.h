/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - facts about the running kernel: enums and CPUs.
 */
#pragma once

#include <napi.h>

/* kernelEnum(name): [{ name, value }], empty when the kernel has no such enum or no BTF. */
Napi::Value KernelField(const Napi::CallbackInfo &info);
Napi::Value KernelHasFunction(const Napi::CallbackInfo &info);
Napi::Value KernelEnum(const Napi::CallbackInfo &info);

/* possibleCpus(): the number of values that a per-CPU map has for each key. */
Napi::Value PossibleCpus(const Napi::CallbackInfo &info);
