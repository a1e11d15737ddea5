/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - facts about the running kernel: enums, CPUs, whether perf events are allowed.
 */
#pragma once

#include <napi.h>

/* kernelEnum(name): [{ name, value }], empty when the kernel has no such enum or no BTF. */
Napi::Value KernelField(const Napi::CallbackInfo &info);
Napi::Value KernelHasFunction(const Napi::CallbackInfo &info);
Napi::Value KernelEnum(const Napi::CallbackInfo &info);

/* possibleCpus(): the number of values that a per-CPU map has for each key. */
Napi::Value PossibleCpus(const Napi::CallbackInfo &info);

/* perfRefusal(): why this process may not open a perf ring, as an errno name; undefined if it may. */
Napi::Value PerfRefusal(const Napi::CallbackInfo &info);
