// SPDX-License-Identifier: Apache-2.0
/*
 * programs.cc - an object's programs: test runs and kernel statistics.
 */
#include "programs.h"

#include <signal.h>

namespace
{
Napi::Object Describe(Napi::Env env, const char *name, const bpf_prog_info &info)
{
	Napi::Object program = Napi::Object::New(env);

	program.Set("name", Napi::String::New(env, name));
	program.Set("id", Napi::Number::New(env, info.id));
	program.Set("verifiedInstructions", Napi::Number::New(env, info.verified_insns));
	program.Set("recursionMisses",
		    Napi::Number::New(env, static_cast<double>(info.recursion_misses)));
	return program;
}
} // namespace

Napi::Value TestProgram(Napi::Env env, const bpf_program *program, Bytes packet, int repeat)
{
	auto run = Options<bpf_test_run_opts>();

	run.data_in = packet.data;
	run.data_size_in = static_cast<uint32_t>(packet.size);
	run.repeat = repeat;
	/* A pending signal ends a run between two repeats with EINTR, after an unknown number of them. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &run);
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
	if (err)
		return Throw(env,
			     FaultOf(err, "bpf(BPF_PROG_TEST_RUN)", bpf_program__name(program)));
	Napi::Object result = Napi::Object::New(env);
	result.Set("ns", Napi::Number::New(env, run.duration));
	result.Set("returned", Napi::Number::New(env, static_cast<int32_t>(run.retval)));
	return result;
}

Napi::Value ListPrograms(Napi::Env env, const bpf_object *object)
{
	Napi::Array list = Napi::Array::New(env);
	bpf_program *program = nullptr;

	while ((program = bpf_object__next_program(object, program))) {
		if (!bpf_program__autoload(program))
			continue;
		bpf_prog_info info{};
		uint32_t size = sizeof(info);
		const char *name = bpf_program__name(program);
		if (int err = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			return Throw(env, FaultOf(err, "bpf(BPF_OBJ_GET_INFO_BY_FD)", name));
		list.Set(list.Length(), Describe(env, name, info));
	}
	return list;
}
