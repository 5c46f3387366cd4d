"""The contract for programs that are not ours."""

from local import build

_NAME = "bench-contract.binpb"


def descriptor_set():
    """The path of the FileDescriptorSet with everything that the contract imports."""
    build.keep({_NAME: "//tests/bench:contract.binpb"})
    return build.binary(_NAME)
