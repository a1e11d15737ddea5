// SPDX-License-Identifier: Apache-2.0
/*
 * addon.cc - exports of the addon.
 */
#include "conntrack.h"
#include "kernel.h"
#include "log.h"
#include "namespaces.h"
#include "netns.h"
#include "object.h"
#include "pod_ends.h"
#include "rtnetlink.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports)
{
	Log::Install();
	exports.Set("BpfObject", BpfObject::Define(env));
	exports.Set("RtnetlinkWatch", RtnetlinkWatch::Define(env));
	exports.Set("ConntrackQuery", ConntrackQuery::Define(env));
	exports.Set("inNamespace", Napi::Function::New<InNamespace>(env, "inNamespace"));
	exports.Set("kernelEnum", Napi::Function::New<KernelEnum>(env, "kernelEnum"));
	exports.Set("kernelField", Napi::Function::New<KernelField>(env, "kernelField"));
	exports.Set("kernelHasFunction",
		    Napi::Function::New<KernelHasFunction>(env, "kernelHasFunction"));
	exports.Set("possibleCpus", Napi::Function::New<PossibleCpus>(env, "possibleCpus"));
	exports.Set("perfRefusal", Napi::Function::New<PerfRefusal>(env, "perfRefusal"));
	exports.Set("netnsIds", Napi::Function::New<NetnsIds>(env, "netnsIds"));
	exports.Set("readNamespaces", Napi::Function::New<ReadNamespaces>(env, "readNamespaces"));
	return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
