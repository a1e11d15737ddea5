/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - captures the output of libbpf and the verifier during a call on this thread.
 *
 * Out:   the last kLogTail bytes, in whole lines.
 * Never: prints. Without a Log on the thread libbpf is silent.
 */
#pragma once

#include <bpf/libbpf.h>

#include <string>

/* Enough for the instruction that the verifier rejected, with its registers. */
constexpr size_t kLogTail = 4096;

class Log
{
      public:
	Log();
	~Log();
	Log(const Log &) = delete;
	Log &operator=(const Log &) = delete;

	std::string Tail() const;

	/* Needed once a process; more calls are harmless. */
	static void Install();

      private:
	static int Print(libbpf_print_level level, const char *format, va_list args);

	std::string text_;
	Log *outer_;
};
