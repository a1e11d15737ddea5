// SPDX-License-Identifier: Apache-2.0
/*
 * log.cc - captures the output of libbpf and the verifier during a call on this thread.
 */
#include "log.h"

#include <cstdarg>
#include <cstdio>

namespace
{
/* libbpf passes no context to its print function, so the context is kept per thread. Null between
 * calls. */
thread_local Log *current = nullptr;
} // namespace

Log::Log() : outer_(current)
{
	current = this;
}

Log::~Log()
{
	current = outer_;
}

void Log::Install()
{
	libbpf_set_print(Print);
}

std::string Log::Tail() const
{
	if (text_.size() <= kLogTail)
		return text_;
	size_t start = text_.find('\n', text_.size() - kLogTail);
	return start == std::string::npos ? text_.substr(text_.size() - kLogTail)
					  : text_.substr(start + 1);
}

int Log::Print(libbpf_print_level level, const char *format, va_list args)
{
	if (!current || level == LIBBPF_DEBUG)
		return 0;
	va_list again;
	va_copy(again, args);
	int size = vsnprintf(nullptr, 0, format, again);
	va_end(again);
	if (size <= 0)
		return 0;
	/* libbpf prints a verifier log as one line */
	std::string line(static_cast<size_t>(size) + 1, '\0');
	vsnprintf(line.data(), line.size(), format, args);
	line.pop_back();
	current->text_ += line;
	current->text_ = current->Tail();
	return size;
}
