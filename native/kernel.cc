// SPDX-License-Identifier: Apache-2.0
/*
 * kernel.cc - facts about the running kernel: enums, fields, functions, CPUs, perf events.
 */
#include "kernel.h"

#include "errors.h"
#include "log.h"
#include "owned.h"
#include "ring.h"

#include <cerrno>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

namespace
{
Napi::Object Member(Napi::Env env, const char *name, double value)
{
	Napi::Object member = Napi::Object::New(env);

	member.Set("name", Napi::String::New(env, name));
	member.Set("value", Napi::Number::New(env, value));
	return member;
}

double Value32(const btf_type *type, uint16_t i)
{
	int32_t value = btf_enum(type)[i].val;

	return btf_kflag(type) ? value : static_cast<uint32_t>(value);
}

double Value64(const btf_type *type, uint16_t i)
{
	uint64_t value = btf_enum64_value(&btf_enum64(type)[i]);

	return btf_kflag(type) ? static_cast<double>(static_cast<int64_t>(value))
			       : static_cast<double>(value);
}
/* Byte offset of a field of exactly this struct; negative when these types lack it. */
double FieldOffset(const btf *types, const std::string &structure, const std::string &field)
{
	int id = types ? btf__find_by_name_kind(types, structure.c_str(), BTF_KIND_STRUCT) : -1;
	const btf_type *type = id < 0 ? nullptr : btf__type_by_id(types, static_cast<uint32_t>(id));

	for (uint16_t i = 0; type && i < btf_vlen(type); i++)
		if (field == btf__name_by_offset(types, btf_members(type)[i].name_off))
			return btf_member_bit_offset(type, i) / 8;
	return -1;
}
} // namespace

Napi::Value KernelField(const Napi::CallbackInfo &info)
{
	std::string structure = info[0].As<Napi::String>().Utf8Value();
	std::string field = info[1].As<Napi::String>().Utf8Value();
	std::string module = info[2].As<Napi::String>().Utf8Value();
	Log log;
	BtfPtr kernel(btf__load_vmlinux_btf());
	double offset = FieldOffset(kernel.get(), structure, field);

	if (offset < 0 && kernel) {
		/* a file that anyone may read: no capability is needed */
		BtfPtr types(btf__parse_split(("/sys/kernel/btf/" + module).c_str(), kernel.get()));
		offset = FieldOffset(types.get(), structure, field);
	}
	return offset < 0 ? info.Env().Undefined() : Napi::Number::New(info.Env(), offset);
}

Napi::Value KernelHasFunction(const Napi::CallbackInfo &info)
{
	std::string name = info[0].As<Napi::String>().Utf8Value();
	Log log;
	BtfPtr kernel(btf__load_vmlinux_btf());
	bool found =
	    kernel && btf__find_by_name_kind(kernel.get(), name.c_str(), BTF_KIND_FUNC) > 0;

	return Napi::Boolean::New(info.Env(), found);
}

Napi::Value KernelEnum(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	std::string name = info[0].As<Napi::String>().Utf8Value();
	Napi::Array members = Napi::Array::New(env);
	Log log;
	BtfPtr types(btf__load_vmlinux_btf());

	if (!types)
		return members;
	int id = btf__find_by_name_kind(types.get(), name.c_str(), BTF_KIND_ENUM);
	if (id < 0)
		id = btf__find_by_name_kind(types.get(), name.c_str(), BTF_KIND_ENUM64);
	if (id < 0)
		return members;
	const btf_type *type = btf__type_by_id(types.get(), static_cast<uint32_t>(id));
	bool wide = btf_is_enum64(type);
	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		uint32_t at = wide ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off;
		double value = wide ? Value64(type, i) : Value32(type, i);
		members.Set(i, Member(env, btf__name_by_offset(types.get(), at), value));
	}
	return members;
}

Napi::Value PossibleCpus(const Napi::CallbackInfo &info)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return Throw(info.Env(), FaultOf(cpus, "open", "/sys/devices/system/cpu/possible"));
	return Napi::Number::New(info.Env(), cpus);
}

Napi::Value PerfRefusal(const Napi::CallbackInfo &info)
{
	perf_event_attr attr = OutputEvent();
	Fd event(
	    static_cast<int>(syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
	if (event)
		return info.Env().Undefined();
	return Napi::String::New(info.Env(), strerrorname_np(errno));
}
