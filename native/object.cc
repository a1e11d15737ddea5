// SPDX-License-Identifier: Apache-2.0
/*
 * object.cc - a loaded BPF object as a JS object: programs, tables, ring.
 */
#include "object.h"

#include "job.h"
#include "knobs.h"
#include "log.h"
#include "programs.h"
#include "tables.h"
#include "verifier.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace
{
Bytes BytesOf(Napi::Value value)
{
	auto array = value.As<Napi::Uint8Array>();

	return {array.Data(), array.ByteLength()};
}

uint32_t CountOf(Napi::Value value)
{
	return value.As<Napi::Number>().Uint32Value();
}

Napi::Value NumberOf(Napi::Env env, uint64_t value)
{
	return Napi::Number::New(env, static_cast<double>(value));
}

Mode ModeOf(Napi::Value value)
{
	std::string name = value.As<Napi::String>().Utf8Value();

	return name == "tcx" ? Mode::kTcx : name == "tc" ? Mode::kTc : Mode::kAuto;
}

/* Empty for undefined: the namespace of the process. */
std::string PathOf(Napi::Value value)
{
	return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

/* (netns, ifindex, ...) */
Location LocationOf(const Napi::CallbackInfo &info)
{
	return {PathOf(info[0]), info[1].As<Napi::Number>().Int32Value()};
}

Napi::Value Undefined(Napi::Env env)
{
	return env.Undefined();
}
} // namespace

Napi::Function BpfObject::Define(Napi::Env env)
{
	return DefineClass(env, "BpfObject",
			   {
			       InstanceMethod<&BpfObject::AttachTracing>("attachTracing"),
			       InstanceMethod<&BpfObject::AttachInterface>("attachInterface"),
			       InstanceMethod<&BpfObject::RepairInterface>("repairInterface"),
			       InstanceMethod<&BpfObject::CheckInterfaces>("checkInterfaces"),
			       InstanceMethod<&BpfObject::DetachInterface>("detachInterface"),
			       InstanceMethod<&BpfObject::AttachPodEnd>("attachPodEnd"),
			       InstanceMethod<&BpfObject::DetachPodEnd>("detachPodEnd"),
			       InstanceMethod<&BpfObject::IsPodEndAttached>("isPodEndAttached"),
			       InstanceMethod<&BpfObject::OpenRing>("openRing"),
			       InstanceMethod<&BpfObject::Drain>("drain"),
			       InstanceMethod<&BpfObject::OnRing>("onRing"),
			       InstanceMethod<&BpfObject::RingLost>("ringLost"),
			       InstanceMethod<&BpfObject::RingOversize>("ringOversize"),
			       InstanceMethod<&BpfObject::Flush>("flush"),
			       InstanceMethod<&BpfObject::Read>("read"),
			       InstanceMethod<&BpfObject::Update>("update"),
			       InstanceMethod<&BpfObject::Remove>("remove"),
			       InstanceMethod<&BpfObject::TestRun>("testRun"),
			       InstanceMethod<&BpfObject::Programs>("programs"),
			       InstanceMethod<&BpfObject::Close>("close"),
			   });
}

BpfObject::BpfObject(const Napi::CallbackInfo &info) : Napi::ObjectWrap<BpfObject>(info)
{
	std::string path = info[0].As<Napi::String>().Utf8Value();
	Fault fault = Open(path);

	if (!fault)
		fault = SetKnobs(object_.get(), info[1].As<Napi::Object>());
	if (!fault)
		fault = SetSizes(object_.get(), info[2].As<Napi::Object>());
	if (!fault && info[3].IsArray())
		fault = LeaveOut(object_.get(), info[3].As<Napi::Array>());
	if (!fault)
		fault = Load(path, info[4].ToBoolean());
	Throw(info.Env(), fault);
}

BpfObject::~BpfObject()
{
	Release();
}

Fault BpfObject::Open(const std::string &path)
{
	Log log;

	/* libbpf reports ENOENT for a missing section as well as for a missing file. */
	if (access(path.c_str(), R_OK))
		return {errno, "open", path};
	object_.reset(bpf_object__open_file(path.c_str(), nullptr));
	return object_ ? Fault{} : Fault{errno, "bpf_object__open_file", path + "\n" + log.Tail()};
}

Fault BpfObject::Load(const std::string &path, bool full_log)
{
	Log log;
	Verifier verifier(object_.get(), full_log);
	int err = bpf_object__load(object_.get());

	if (!err) {
		attachments_ = std::make_shared<Attachments>(object_.get());
		return {};
	}
	object_.reset();
	return verifier.Refusal(err, path, log.Tail());
}

Fault BpfObject::FindProgram(const char *what, Napi::Value name, bpf_program *&program) const
{
	std::string text = name.As<Napi::String>().Utf8Value();

	if (!object_)
		return {EBADF, what, "the object is closed"};
	program = bpf_object__find_program_by_name(object_.get(), text.c_str());
	return program ? Fault{} : Fault{ENOENT, what, "the object has no program '" + text + "'"};
}

Fault BpfObject::FindMap(const char *what, Napi::Value name, bpf_map *&map) const
{
	std::string text = name.As<Napi::String>().Utf8Value();

	if (!object_)
		return {EBADF, what, "the object is closed"};
	map = bpf_object__find_map_by_name(object_.get(), text.c_str());
	return map ? Fault{} : Fault{ENOENT, what, "the object has no map '" + text + "'"};
}

Napi::Value BpfObject::AttachTracing(const Napi::CallbackInfo &info)
{
	bpf_program *program = nullptr;
	Log log;
	Fault fault = FindProgram("attachTracing", info[0], program);

	return Throw(info.Env(), fault ? fault : attachments_->Trace(program));
}

/* (netns, ifindex, ingress, egress, mode): a promise of the mode used */
Napi::Value BpfObject::AttachInterface(const Napi::CallbackInfo &info)
{
	bpf_program *ingress = nullptr;
	bpf_program *egress = nullptr;
	Fault fault = FindProgram("attachInterface", info[2], ingress);

	if (!fault)
		fault = FindProgram("attachInterface", info[3], egress);
	if (fault)
		return Throw(info.Env(), fault);
	ProgramPair programs{ingress, egress};
	auto mode = std::make_shared<Mode>(ModeOf(info[4]));
	auto attach = [attachments = attachments_, location = LocationOf(info), programs, mode] {
		return attachments->Attach(location, programs, *mode);
	};
	return Job::Run(info.Env(), attach, [mode](Napi::Env env) {
		return Napi::String::New(env, *mode == Mode::kTcx ? "tcx" : "tc");
	});
}

Napi::Value BpfObject::RepairInterface(const Napi::CallbackInfo &info)
{
	if (!object_)
		return Throw(info.Env(), {EBADF, "repairInterface", "the object is closed"});
	auto repair = [attachments = attachments_, location = LocationOf(info)] {
		return attachments->Repair(location);
	};
	return Job::Run(info.Env(), repair, Undefined);
}

/* (netns, numbers of interfaces): a promise of a HookState for each */
Napi::Value BpfObject::CheckInterfaces(const Napi::CallbackInfo &info)
{
	auto numbers = info[1].As<Napi::Int32Array>();
	auto states = std::make_shared<std::vector<HookState>>();

	if (!object_)
		return Throw(info.Env(), {EBADF, "checkInterfaces", "the object is closed"});
	std::vector<int> interfaces(numbers.Data(), numbers.Data() + numbers.ElementLength());
	auto check = [attachments = attachments_, netns = PathOf(info[0]), interfaces, states] {
		return attachments->Check(netns, interfaces, *states);
	};
	return Job::Run(info.Env(), check, [states](Napi::Env env) {
		auto result = Napi::Uint8Array::New(env, states->size());
		for (size_t i = 0; i < states->size(); i++)
			result[i] = static_cast<uint8_t>((*states)[i]);
		return result;
	});
}

Napi::Value BpfObject::DetachInterface(const Napi::CallbackInfo &info)
{
	if (!object_)
		return Throw(info.Env(), {EBADF, "detachInterface", "the object is closed"});
	auto detach = [attachments = attachments_, location = LocationOf(info)] {
		return attachments->Detach(location);
	};
	return Job::Run(info.Env(), detach, Undefined);
}

/* (number, netns, ifindex, ingress, egress or undefined): a promise */
Napi::Value BpfObject::AttachPodEnd(const Napi::CallbackInfo &info)
{
	/* the work's own: the object may be closed while it runs */
	auto programs = std::make_shared<std::vector<Fd>>();

	for (size_t i = 3; i < 5 && !info[i].IsUndefined(); i++) {
		bpf_program *program = nullptr;
		if (Fault fault = FindProgram("attachPodEnd", info[i], program))
			return Throw(info.Env(), fault);
		programs->emplace_back(fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0));
		if (!programs->back())
			return Throw(info.Env(), {errno, "fcntl", {}});
	}
	auto attach = [ends = pod_ends_, number = info[0].As<Napi::Number>().Uint32Value(),
		       netns = PathOf(info[1]), ifindex = info[2].As<Napi::Number>().Int32Value(),
		       programs] { return ends->Attach(number, netns, ifindex, *programs); };
	return Job::Run(info.Env(), attach, Undefined);
}

/* (number): a promise */
Napi::Value BpfObject::DetachPodEnd(const Napi::CallbackInfo &info)
{
	auto detach = [ends = pod_ends_, number = info[0].As<Napi::Number>().Uint32Value()] {
		ends->Detach(number);
		return Fault{};
	};

	return Job::Run(info.Env(), detach, Undefined);
}

/* (number): a boolean */
Napi::Value BpfObject::IsPodEndAttached(const Napi::CallbackInfo &info)
{
	bool attached = pod_ends_->IsAttached(info[0].As<Napi::Number>().Uint32Value());

	return Napi::Boolean::New(info.Env(), attached);
}

Napi::Value BpfObject::OpenRing(const Napi::CallbackInfo &info)
{
	bpf_map *map = nullptr;
	Log log;
	Fault fault = FindMap("openRing", info[0], map);

	if (!fault && ring_)
		fault = {EEXIST, "openRing", "the ring is already open"};
	return Throw(info.Env(), fault ? fault : ring_.Open(map, CountOf(info[1])));
}

Napi::Value BpfObject::Drain(const Napi::CallbackInfo &info)
{
	Bytes into = BytesOf(info[0]);
	size_t filled = 0;

	if (!ring_)
		return Throw(info.Env(), {EBADF, "drain", "no ring is open"});
	if (into.size < kMaxFrame)
		return Throw(info.Env(),
			     {EINVAL, "drain",
			      "the buffer needs at least " + std::to_string(kMaxFrame) + " bytes"});
	if (Fault fault = ring_.Drain(into, filled))
		return Throw(info.Env(), fault);
	return NumberOf(info.Env(), filled);
}

Napi::Value BpfObject::OnRing(const Napi::CallbackInfo &info)
{
	if (!ring_)
		return Throw(info.Env(), {EBADF, "onRing", "no ring is open"});
	ring_readable_.Stop();
	if (!info[0].IsFunction())
		return info.Env().Undefined();
	Fault fault = ring_.Kick();
	return Throw(info.Env(),
		     fault ? fault
			   : ring_readable_.Watch(ring_.EpollFd(), info[0].As<Napi::Function>()));
}

Napi::Value BpfObject::RingLost(const Napi::CallbackInfo &info)
{
	return NumberOf(info.Env(), ring_.Lost());
}

Napi::Value BpfObject::RingOversize(const Napi::CallbackInfo &info)
{
	return NumberOf(info.Env(), ring_.Oversize());
}

Napi::Value BpfObject::Flush(const Napi::CallbackInfo &info)
{
	bpf_program *program = nullptr;
	bpf_map *from = nullptr;
	size_t filled = 0;
	Fault fault = FindProgram("flush", info[0], program);

	if (!fault)
		fault = FindMap("flush", info[1], from);
	if (!fault)
		fault = flusher_.Run(program, from, BytesOf(info[2]), BytesOf(info[3]), filled);
	return fault ? Throw(info.Env(), fault) : NumberOf(info.Env(), filled);
}

Napi::Value BpfObject::Read(const Napi::CallbackInfo &info)
{
	bpf_map *map = nullptr;
	size_t entries = 0;
	Fault fault = FindMap("read", info[0], map);

	if (!fault)
		fault = ReadTable(map, BytesOf(info[1]), entries);
	return fault ? Throw(info.Env(), fault) : NumberOf(info.Env(), entries);
}

Napi::Value BpfObject::Update(const Napi::CallbackInfo &info)
{
	bpf_map *map = nullptr;
	Fault fault = FindMap("update", info[0], map);

	if (!fault)
		fault = UpdateTable(map, BytesOf(info[1]), BytesOf(info[2]), CountOf(info[3]));
	return Throw(info.Env(), fault);
}

Napi::Value BpfObject::Remove(const Napi::CallbackInfo &info)
{
	bpf_map *map = nullptr;
	Fault fault = FindMap("remove", info[0], map);

	if (!fault)
		fault = RemoveFromTable(map, BytesOf(info[1]), CountOf(info[2]));
	return Throw(info.Env(), fault);
}

Napi::Value BpfObject::TestRun(const Napi::CallbackInfo &info)
{
	bpf_program *program = nullptr;

	if (Fault fault = FindProgram("testRun", info[0], program))
		return Throw(info.Env(), fault);
	return TestProgram(info.Env(), program, BytesOf(info[1]),
			   info[2].As<Napi::Number>().Int32Value());
}

Napi::Value BpfObject::Programs(const Napi::CallbackInfo &info)
{
	if (!object_)
		return Throw(info.Env(), {EBADF, "programs", "the object is closed"});
	return ListPrograms(info.Env(), object_.get());
}

Napi::Value BpfObject::Close(const Napi::CallbackInfo &info)
{
	Release();
	return info.Env().Undefined();
}

/* Detaches first, so that no program runs when its ring and tables are closed. */
void BpfObject::Release()
{
	Log log;

	if (attachments_)
		attachments_->Close();
	pod_ends_->Close();
	flusher_.Clear();
	ring_readable_.Stop();
	ring_.Close();
	object_.reset();
}
