/*
 * log.h - what libbpf and the verifier say while an operation runs on this thread.
 *
 * Out:   the last kLogTail bytes, whole lines.
 * Never: prints. Without a Log alive on the thread libbpf is silent.
 */
#pragma once

#include <bpf/libbpf.h>

#include <string>

/* Enough for the instruction that the verifier refused and its registers. */
constexpr size_t kLogTail = 4096;

class Log
{
      public:
	Log();
	~Log();
	Log(const Log &) = delete;
	Log &operator=(const Log &) = delete;

	std::string Tail() const;

	/* Once a process is enough; again is harmless. */
	static void Install();

      private:
	static int Print(libbpf_print_level level, const char *format, va_list args);

	std::string text_;
	Log *outer_;
};
