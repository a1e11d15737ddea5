/* SPDX-License-Identifier: Apache-2.0 */
/*
 * knobs.h - settings of an opened object before it is loaded: read-only globals, table sizes,
 * programs to leave out.
 *
 * Fail:  ENOENT for a name that the object lacks, ERANGE for a value that does not fit, EINVAL for
 *        a global that is not one integer.
 */
#pragma once

#include "errors.h"
#include "owned.h"

/* { name: value }, whole numbers from 0 to 2^53. */
Fault SetKnobs(bpf_object *object, Napi::Object knobs);

/* { map: max_entries } */
Fault SetSizes(bpf_object *object, Napi::Object sizes);

/* [ program ]: not loaded, so that the kernel does not verify it. */
Fault LeaveOut(bpf_object *object, Napi::Array programs);
