// SPDX-License-Identifier: Apache-2.0
/*
 * errors.cc - turns an errno into a JavaScript Error.
 */
#include "errors.h"

#include <bpf/libbpf.h>
#include <cerrno>
#include <utility>
#include <uv.h>

namespace
{
bool IsLibbpf(int err)
{
	return err >= __LIBBPF_ERRNO__START && err < __LIBBPF_ERRNO__END;
}

/* Every error number of libbpf's own means that it cannot use the object file. */
std::string CodeOf(int err)
{
	char name[64];

	if (err == kNotSupported)
		return "ENOTSUPP";
	if (IsLibbpf(err))
		return "ENOEXEC";
	return uv_err_name_r(-err, name, sizeof(name));
}

std::string MessageOf(int err)
{
	char message[128];

	if (err == kNotSupported)
		return "operation not supported by the kernel";
	if (IsLibbpf(err)) {
		libbpf_strerror(err, message, sizeof(message));
		return message;
	}
	return uv_strerror_r(-err, message, sizeof(message));
}
} // namespace

Fault FaultOf(int ret, const char *syscall, std::string detail)
{
	if (ret >= 0)
		return {};
	return {-ret, syscall, std::move(detail)};
}

Napi::Error ErrorOf(Napi::Env env, const Fault &fault)
{
	std::string code = CodeOf(fault.err);
	std::string message = code + ": " + MessageOf(fault.err) + ", " + fault.syscall;

	if (!fault.detail.empty())
		message += ": " + fault.detail;
	Napi::Error error = Napi::Error::New(env, message);
	error.Set("code", Napi::String::New(env, code));
	error.Set("errno", Napi::Number::New(env, -fault.err));
	error.Set("syscall", Napi::String::New(env, fault.syscall));
	if (!fault.program.empty()) {
		error.Set("program", Napi::String::New(env, fault.program));
		error.Set("verifierLog", Napi::String::New(env, fault.verifier_log));
	}
	return error;
}

Napi::Value Throw(Napi::Env env, const Fault &fault)
{
	if (fault)
		ErrorOf(env, fault).ThrowAsJavaScriptException();
	return env.Undefined();
}
