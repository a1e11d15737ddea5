/*
 * errors.h - the one place where an errno becomes a JavaScript Error.
 *
 * Out: .code ("EPERM"), .errno (negative, as Node's own), .syscall, and a message with the detail.
 */
#pragma once

#include <napi.h>

#include <string>

/* ENOTSUPP: the kernel's own, never meant for user space, yet bpf(2) returns it for operations a
 * map type lacks. */
constexpr int kNotSupported = 524;

/* Why something could not be done; false when it could. */
struct Fault {
	int err = 0; /* positive errno, or one of libbpf's own from 4000 */
	const char *syscall = "";
	std::string detail;

	explicit operator bool() const
	{
		return err != 0;
	}
};

/* From libbpf's convention: negative is an error. */
Fault FaultOf(int ret, const char *syscall, std::string detail = {});

/* Throws when there is a fault. Returns undefined, for `return Throw(...)`. */
Napi::Value Throw(Napi::Env env, const Fault &fault);
