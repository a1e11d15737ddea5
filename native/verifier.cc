// SPDX-License-Identifier: Apache-2.0
/*
 * verifier.cc - asks for the verifier's log, and finds its message there.
 */
#include "verifier.h"

#include <algorithm>

namespace
{
/* BPF_LOG_LEVEL1 and BPF_LOG_STATS of the kernel's include/linux/bpf_verifier.h. */
constexpr uint32_t kEveryInstruction = 1;
constexpr uint32_t kMessage = 4;
constexpr size_t kBriefLog = 64 << 10;
constexpr size_t kFullLog = 1 << 20;
constexpr size_t kLongestMessage = 300;

bool StartsWith(const std::string &text, const char *start)
{
	return text.rfind(start, 0) == 0;
}

/* Lines that follow every log. */
bool IsStatistics(const std::string &line)
{
	return StartsWith(line, "verification time ") || StartsWith(line, "stack depth ") ||
	       StartsWith(line, "processed ");
}

/* One line of at most kLongestMessage bytes. */
std::string Shorten(const std::string &text)
{
	std::string line;

	for (size_t at = 0; at < text.size();) {
		size_t end = std::min(text.find('\n', at), text.size());
		std::string part = text.substr(at, end - at);
		if (!part.empty() && !IsStatistics(part))
			line += (line.empty() ? "" : "; ") + part;
		at = end + 1;
	}
	return line.substr(0, kLongestMessage);
}

/* From libbpf's "prog 'NAME': BPF program load failed"; empty when no program failed. */
std::string FailedProgram(const std::string &output)
{
	size_t end = output.find("': BPF program load failed");
	size_t start = end == std::string::npos ? end : output.rfind('\'', end - 1);

	return start == std::string::npos ? std::string()
					  : output.substr(start + 1, end - start - 1);
}
} // namespace

Verifier::Verifier(bpf_object *object, bool full) : log_(full ? kFullLog : kBriefLog)
{
	bpf_program *program = nullptr;

	while ((program = bpf_object__next_program(object, program))) {
		bpf_program__set_log_level(program, full ? kEveryInstruction : kMessage);
		bpf_program__set_log_buf(program, log_.data(), log_.size());
	}
}

std::string Verifier::Message() const
{
	return Shorten(log_.data());
}

Fault Verifier::Refusal(int err, const std::string &path, const std::string &output) const
{
	std::string program = FailedProgram(output);
	bool map = output.find("failed to create") != std::string::npos;
	Fault fault = FaultOf(err, map ? "bpf(BPF_MAP_CREATE)" : "bpf(BPF_PROG_LOAD)", path + ": ");

	fault.detail += program.empty() ? Shorten(output) : program;
	if (!program.empty()) {
		fault.program = program;
		fault.verifier_log = log_.data();
		if (std::string message = Message(); !message.empty())
			fault.detail += ": " + message;
	}
	return fault;
}
