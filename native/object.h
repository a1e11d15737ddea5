/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - a loaded BPF object as a JS object: programs, tables, ring.
 *
 * In:    arguments with types checked by src/datapath/source/native.ts; sizes and names are checked
 *        here.
 * Out:   everything it made is released by close(), by the garbage collector or with the
 *        environment, whichever comes first.
 * Fail:  an Error with .code and .syscall; EBADF after close().
 * Never: starts a thread, or parses a record. What waits for the kernel runs on libuv's pool.
 */
#pragma once

#include "attach.h"
#include "errors.h"
#include "owned.h"
#include "pod_ends.h"
#include "readable.h"
#include "ring.h"
#include "flush.h"

#include <memory>

class BpfObject : public Napi::ObjectWrap<BpfObject>
{
      public:
	static Napi::Function Define(Napi::Env env);
	/* path, { name: knob }, { map: max_entries }, [ program to leave out ], full verifier log */
	explicit BpfObject(const Napi::CallbackInfo &info);
	~BpfObject() override;

      private:
	Napi::Value AttachTracing(const Napi::CallbackInfo &info);
	Napi::Value AttachInterface(const Napi::CallbackInfo &info);
	Napi::Value RepairInterface(const Napi::CallbackInfo &info);
	Napi::Value CheckInterfaces(const Napi::CallbackInfo &info);
	Napi::Value DetachInterface(const Napi::CallbackInfo &info);
	Napi::Value AttachPodEnd(const Napi::CallbackInfo &info);
	Napi::Value DetachPodEnd(const Napi::CallbackInfo &info);
	Napi::Value IsPodEndAttached(const Napi::CallbackInfo &info);
	Napi::Value OpenRing(const Napi::CallbackInfo &info);
	Napi::Value Drain(const Napi::CallbackInfo &info);
	Napi::Value OnRing(const Napi::CallbackInfo &info);
	Napi::Value RingLost(const Napi::CallbackInfo &info);
	Napi::Value RingOversize(const Napi::CallbackInfo &info);
	Napi::Value Flush(const Napi::CallbackInfo &info);
	Napi::Value Read(const Napi::CallbackInfo &info);
	Napi::Value Update(const Napi::CallbackInfo &info);
	Napi::Value Remove(const Napi::CallbackInfo &info);
	Napi::Value TestRun(const Napi::CallbackInfo &info);
	Napi::Value Programs(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);

	Fault Open(const std::string &path);
	Fault Load(const std::string &path, bool full_log);
	Fault FindProgram(const char *what, Napi::Value name, bpf_program *&program) const;
	Fault FindMap(const char *what, Napi::Value name, bpf_map *&map) const;
	void Release();

	ObjectPtr object_;
	Ring ring_;
	Readable ring_readable_;
	Flusher flusher_;
	std::shared_ptr<Attachments> attachments_; /* shared with jobs that run */
	std::shared_ptr<PodEnds> pod_ends_ = std::make_shared<PodEnds>();
};
