/*
 * errors.cc - the one place where an errno becomes a JavaScript Error.
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

/* libbpf's own numbers all say that the object file is not one it can use. */
std::string Code(int err)
{
	char name[64];

	if (err == kNotSupported)
		return "ENOTSUPP";
	if (IsLibbpf(err))
		return "ENOEXEC";
	return uv_err_name_r(-err, name, sizeof(name));
}

std::string Words(int err)
{
	char words[128];

	if (err == kNotSupported)
		return "operation not supported by the kernel";
	if (IsLibbpf(err)) {
		libbpf_strerror(err, words, sizeof(words));
		return words;
	}
	return uv_strerror_r(-err, words, sizeof(words));
}
} // namespace

Fault FaultOf(int ret, const char *syscall, std::string detail)
{
	if (ret >= 0)
		return {};
	return {-ret, syscall, std::move(detail)};
}

Napi::Value Throw(Napi::Env env, const Fault &fault)
{
	if (!fault)
		return env.Undefined();
	std::string code = Code(fault.err);
	std::string message = code + ": " + Words(fault.err) + ", " + fault.syscall;
	if (!fault.detail.empty())
		message += ": " + fault.detail;
	Napi::Error error = Napi::Error::New(env, message);
	error.Set("code", Napi::String::New(env, code));
	error.Set("errno", Napi::Number::New(env, -fault.err));
	error.Set("syscall", Napi::String::New(env, fault.syscall));
	error.ThrowAsJavaScriptException();
	return env.Undefined();
}
