/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errors.h - turns an errno into a JavaScript Error.
 *
 * Out:   .code ("EPERM"), .errno (negative, as in Node), .syscall, and a message with the detail;
 *        .program and .verifierLog of a program that the kernel refused.
 */
#pragma once

#include <napi.h>

#include <string>

/* ENOTSUPP, internal to the kernel. bpf(2) returns it all the same for operations that a map type
 * lacks. */
constexpr int kNotSupported = 524;

/* A failed call; false when there is none. */
struct Fault {
	int err = 0; /* positive errno; from 4000 on, libbpf's own numbers */
	const char *syscall = "";
	std::string detail;
	std::string program = {};      /* that the kernel refused to load */
	std::string verifier_log = {}; /* of this program */

	explicit operator bool() const
	{
		return err != 0;
	}
};

/* `ret` follows libbpf's convention: negative is an error. */
Fault FaultOf(int ret, const char *syscall, std::string detail = {});

/* The fault as an Error object. */
Napi::Error ErrorOf(Napi::Env env, const Fault &fault);

/* Throws if there is a fault. Returns undefined, for `return Throw(...)`. */
Napi::Value Throw(Napi::Env env, const Fault &fault);
