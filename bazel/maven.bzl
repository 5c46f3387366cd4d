"""Everything that comes by Maven coordinates: third-party .proto files and Kafka's jars."""

def _maven_artifacts_impl(ctx):
    ctx.symlink(ctx.attr.pom, "pom.xml")
    result = ctx.execute(
        ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"],
        timeout = 900,
    )
    if result.return_code != 0:
        fail("mvn could not fetch what bazel/maven/pom.xml lists:\n%s%s" %
             (result.stdout, result.stderr))
    for jar in ctx.path("jars").readdir():
        if [name for name in ctx.attr.proto_jars if jar.basename.startswith(name)]:
            ctx.extract(jar, "protos")
    ctx.file("BUILD", """
filegroup(
    name = "protos",
    srcs = glob(["protos/**/*.proto"]),
    visibility = ["//visibility:public"],
)

filegroup(
    name = "jars",
    srcs = glob(["jars/*.jar"]),
    visibility = ["//visibility:public"],
)
""")

maven_artifacts = repository_rule(
    implementation = _maven_artifacts_impl,
    attrs = {
        "pom": attr.label(mandatory = True),
        "proto_jars": attr.string_list(
            default = [
                "proto-google-common-protos",
                "protovalidate",
                "grpc-services",
            ],
            doc = "jars whose .proto files are unpacked into protos/",
        ),
    },
    doc = "@maven//:protos and @maven//:jars, as listed in a pom.xml.",
)
