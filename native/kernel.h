/*
 * kernel.h - what the running kernel tells about itself.
 */
#pragma once

#include <napi.h>

/* kernelEnum(name): [{ name, value }], empty when the kernel has no such enum or no BTF. */
Napi::Value KernelEnum(const Napi::CallbackInfo &info);

/* possibleCpus(): how many values a per-CPU map has for a key. */
Napi::Value PossibleCpus(const Napi::CallbackInfo &info);
