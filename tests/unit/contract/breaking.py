"""What would break clients between two descriptor sets of the contract.

Compared by what is on the wire and in JSON: field numbers, names, types and labels, enum numbers,
methods with their message types and streaming, and HTTP routes. Adding is never breaking; removing a
field is not either when its number and name are reserved.
"""

from google.protobuf import descriptor_pb2

from harness.contract import http_rules

Field = descriptor_pb2.FieldDescriptorProto


def own_files(descriptor_set, package):
    """The set's files of our own package, by name."""
    return [file for file in descriptor_set.file if file.package.startswith(package)]


def _messages(prefix, messages):
    for message in messages:
        name = f"{prefix}.{message.name}"
        yield name, message
        yield from _messages(name, message.nested_type)


def _reserved(message, field):
    numbers = any(span.start <= field.number < span.end for span in message.reserved_range)
    return numbers and field.name in message.reserved_name


def _compare_fields(name, old, new):
    by_number = {field.number: field for field in new.field}
    for field in old.field:
        where = f"{name}.{field.name} = {field.number}"
        now = by_number.get(field.number)
        if now is None:
            if not _reserved(new, field):
                yield f"{where}: removed; reserve its number and its name"
            continue
        for what in ("name", "json_name", "type", "label", "type_name"):
            if getattr(field, what) != getattr(now, what):
                yield f"{where}: {what} changed from {getattr(field, what)} to {getattr(now, what)}"
        if field.HasField("oneof_index") != now.HasField("oneof_index"):
            yield f"{where}: moved into or out of a oneof"


def _compare_enums(prefix, old, new):
    by_name = {enum.name: enum for enum in new}
    for enum in old:
        if enum.name not in by_name:
            yield f"{prefix}.{enum.name}: enum removed"
            continue
        numbers = {value.name: value.number for value in by_name[enum.name].value}
        for value in enum.value:
            if numbers.get(value.name) != value.number:
                yield f"{prefix}.{enum.name}.{value.name} = {value.number}: removed or renumbered"


def _http_rules(method, rule_class):
    return {
        (each.WhichOneof("pattern"), str(getattr(each, each.WhichOneof("pattern"))), each.body)
        for each in http_rules(method, rule_class)
    }


def _compare_services(package, old, new, rule_class):
    by_name = {service.name: service for service in new}
    for service in old:
        if service.name not in by_name:
            yield f"{package}.{service.name}: service removed"
            continue
        methods = {method.name: method for method in by_name[service.name].method}
        for method in service.method:
            name = f"{package}.{service.name}.{method.name}"
            now = methods.get(method.name)
            if now is None:
                yield f"{name}: method removed"
                continue
            for what in ("input_type", "output_type", "client_streaming", "server_streaming"):
                if getattr(method, what) != getattr(now, what):
                    yield f"{name}: {what} changed"
            for route in _http_rules(method, rule_class) - _http_rules(now, rule_class):
                yield f"{name}: the route {' '.join(route[:2])} was removed or its body changed"


def breaking_changes(old_files, new_files, rule_class):
    """One line for each change between lists of FileDescriptorProto that breaks a client."""
    new_by_package = {}
    for file in new_files:
        merged = new_by_package.setdefault(file.package, type(file)())
        merged.MergeFrom(file)
    for file in old_files:
        package, new = file.package, new_by_package.get(file.package)
        if new is None:
            yield f"{package}: package removed"
            continue
        new_messages = dict(_messages(package, new.message_type))
        for name, message in _messages(package, file.message_type):
            if name not in new_messages:
                yield f"{name}: message removed"
                continue
            yield from _compare_fields(name, message, new_messages[name])
            yield from _compare_enums(name, message.enum_type, new_messages[name].enum_type)
        yield from _compare_enums(package, file.enum_type, new.enum_type)
        yield from _compare_services(package, file.service, new.service, rule_class)
