/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespaces.h - the interfaces and addresses in other network namespaces, read once.
 *
 * In:    paths of namespaces. Needs CAP_SYS_ADMIN.
 * Out:   for each its inode number, the dumps of rtnetlink, and the id by which it knows the caller's.
 * Fail:  a namespace that cannot be read has its error instead.
 * Never: holds a namespace open: it would outlive its pod.
 */
#pragma once

#include "errors.h"

/* readNamespaces(netns or undefined, [path, ...]): a promise of an object for each path. */
Napi::Value ReadNamespaces(const Napi::CallbackInfo &info);
