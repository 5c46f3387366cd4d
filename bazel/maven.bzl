"""Everything that comes by Maven coordinates: third-party .proto files, Kafka's jars, web pages."""

def _maven_artifacts_impl(ctx):
    ctx.symlink(ctx.attr.pom, "pom.xml")
    result = ctx.execute(
        ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"],
        timeout = 900,
    )
    if result.return_code != 0:
        fail("mvn could not fetch what %s lists:\n%s%s" %
             (ctx.attr.pom, result.stdout, result.stderr))
    for jar in ctx.path("jars").readdir():
        if [name for name in ctx.attr.proto_jars if jar.basename.startswith(name)]:
            ctx.extract(jar, "protos")
        if ctx.attr.web_files:
            ctx.extract(jar, "web")
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

filegroup(
    name = "web",
    srcs = glob(%s),
    visibility = ["//visibility:public"],
)
""" % repr(["web/**/" + name for name in ctx.attr.web_files]))

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
        "web_files": attr.string_list(doc = "files inside the jars that are @NAME//:web"),
    },
    doc = "@NAME//:protos, @NAME//:jars and @NAME//:web, as listed in a pom.xml.",
)
