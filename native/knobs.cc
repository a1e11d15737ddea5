// SPDX-License-Identifier: Apache-2.0
/*
 * knobs.cc - settings of an opened object before it is loaded: read-only globals and table sizes.
 */
#include "knobs.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace
{
struct Place {
	uint32_t offset;
	uint32_t size;
};

/* 0 when the type is not one integer of 1, 2, 4 or 8 bytes. */
uint32_t IntegerSize(const btf *types, int id)
{
	int bare = btf__resolve_type(types, id);
	const btf_type *type =
	    bare < 0 ? nullptr : btf__type_by_id(types, static_cast<uint32_t>(bare));

	if (!type || !(btf_is_int(type) || btf_is_any_enum(type)) || type->size > 8)
		return 0;
	return type->size;
}

/* Finds a global in .rodata by the object's BTF, in which libbpf filled in the offsets on open. */
Fault FindKnob(const btf *types, const std::string &name, Place &place)
{
	int section = types ? btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC) : -ENOENT;
	const btf_type *data =
	    section < 0 ? nullptr : btf__type_by_id(types, static_cast<uint32_t>(section));

	for (uint16_t i = 0; data && i < btf_vlen(data); i++) {
		const btf_var_secinfo &entry = btf_var_secinfos(data)[i];
		const btf_type *variable = btf__type_by_id(types, entry.type);
		if (name != btf__name_by_offset(types, variable->name_off))
			continue;
		place = {entry.offset, IntegerSize(types, static_cast<int>(variable->type))};
		return place.size ? Fault{}
				  : Fault{EINVAL, "knob", "'" + name + "' is not an integer"};
	}
	return {ENOENT, "knob", "the object has no read-only global '" + name + "'"};
}
Fault SetKnob(bpf_object *object, const std::string &name, double value)
{
	Place place{};

	if (Fault fault = FindKnob(bpf_object__btf(object), name, place))
		return fault;
	auto bits = static_cast<uint64_t>(value);
	if (place.size < 8 && bits >> (8 * place.size))
		return {ERANGE, "knob",
			std::to_string(bits) + " does not fit in '" + name + "', which has " +
			    std::to_string(place.size) + (place.size == 1 ? " byte" : " bytes")};
	bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	size_t room = 0;
	auto *bytes =
	    map ? static_cast<const uint8_t *>(bpf_map__initial_value(map, &room)) : nullptr;
	if (!bytes || room < place.offset + place.size)
		return {ENOENT, "knob", "the object has no .rodata for '" + name + "'"};
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bits <<= 64 - 8 * place.size;
#endif
	/* libbpf returns its image as const, but its skeletons set globals by writing there too. */
	std::memcpy(const_cast<uint8_t *>(bytes) + place.offset, &bits, place.size);
	return {};
}

Fault SetSize(bpf_object *object, const std::string &map, double entries)
{
	bpf_map *found = bpf_object__find_map_by_name(object, map.c_str());

	if (!found)
		return {ENOENT, "size", "the object has no map '" + map + "'"};
	return FaultOf(bpf_map__set_max_entries(found, static_cast<uint32_t>(entries)),
		       "bpf_map__set_max_entries", map);
}

template <typename Setter> Fault SetEach(bpf_object *object, Napi::Object settings, Setter set)
{
	Napi::Array names = settings.GetPropertyNames();

	for (uint32_t i = 0; i < names.Length(); i++) {
		std::string name = names.Get(i).As<Napi::String>().Utf8Value();
		double value = settings.Get(name).As<Napi::Number>().DoubleValue();
		if (Fault fault = set(object, name, value))
			return fault;
	}
	return {};
}
} // namespace

Fault SetKnobs(bpf_object *object, Napi::Object knobs)
{
	return SetEach(object, knobs, SetKnob);
}

Fault SetSizes(bpf_object *object, Napi::Object sizes)
{
	return SetEach(object, sizes, SetSize);
}

Fault LeaveOut(bpf_object *object, Napi::Array programs)
{
	for (uint32_t i = 0; i < programs.Length(); i++) {
		std::string name = programs.Get(i).As<Napi::String>().Utf8Value();
		bpf_program *program = bpf_object__find_program_by_name(object, name.c_str());
		if (!program)
			return {ENOENT, "without", "the object has no program '" + name + "'"};
		if (int err = bpf_program__set_autoload(program, false))
			return FaultOf(err, "without", name);
	}
	return {};
}
