/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs.h - an object's programs: test runs and kernel statistics.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

/* BPF_PROG_TEST_RUN of a tc program: { ns: mean of all runs, returned }. */
Napi::Value TestProgram(Napi::Env env, const bpf_program *program, Bytes packet, int repeat);

/* [{ name, id, verifiedInstructions, recursionMisses }] */
Napi::Value ListPrograms(Napi::Env env, const bpf_object *object);
