"""The tables of lib/events as a service's migrations."""

def event_table(table, number):
    """Makes migrations/NNNN_TABLE.sql of lib/events/TABLE.sql, for the srcs of sql_migrations.

    Args:
      table: "inbox", later "inbox_age" and "inbox_checks"; or "outbox", later "outbox_waiting" and
        "outbox_checks".
      number: the migration's number in the service.

    Returns:
      the label of the file.
    """
    path = "migrations/%s_%s.sql" % (("000%d" % number)[-4:], table)
    native.genrule(
        name = table + "_table",
        srcs = ["//lib/events:%s.sql" % table],
        outs = [path],
        cmd = "cp $< $@",
    )
    return path
