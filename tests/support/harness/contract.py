"""The contract as Python reads it, from its FileDescriptorSet (//gen:inkmesh_contract_descriptor_set)."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def load(data):
    """(class of a FileDescriptorSet whose google.api.http options are readable, class HttpRule)."""
    raw = descriptor_pb2.FileDescriptorSet.FromString(data)
    pool = descriptor_pool.DescriptorPool()
    for file in raw.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    set_class = factory.GetPrototype(
        pool.FindMessageTypeByName("google.protobuf.FileDescriptorSet")
    )
    rule_class = factory.GetPrototype(pool.FindMessageTypeByName("google.api.HttpRule"))
    for file in raw.file:  # registers the extensions with the pool's classes
        factory.GetMessages([file.name])
    return set_class, rule_class


def http_rules(method, rule_class):
    """The HttpRules of a method (of a set that `load` made readable), the additional ones too."""
    rule = rule_class()
    for extension, value in method.options.ListFields():
        if extension.full_name == "google.api.http":
            rule.CopyFrom(value)
    return [each for each in (rule, *rule.additional_bindings) if each.WhichOneof("pattern")]
