"""The notification service beside real servers, and what its tests have in common."""

import uuid

from harness.kafka import Kafka
from harness.rpc import Failure
from harness.service import ServiceMesh, ServiceTest, user_token
from harness.waiting import until

SECRET_TEXT = "only for you"


class Mesh(ServiceMesh):
    """Two replicas; Kafka is only there when asked for."""

    def __init__(self, with_kafka=False, **settings):
        self.kafka, self.with_kafka = Kafka(), with_kafka
        super().__init__("notification", 2, **{"KAFKA_BROKERS": self.kafka.url, **settings})
        self.second = self.replicas[1]

    def servers(self):
        return [*super().servers(), *([self.kafka] if self.with_kafka else [])]


class NotificationTest(ServiceTest):
    secrets = (SECRET_TEXT,)
    new_mesh = Mesh

    def user(self):
        """A new user's id and token."""
        user_id = str(uuid.uuid4())
        return user_id, user_token(user_id)

    def call(self, method, replica=None, **fields):
        return (replica or self.mesh.first).client.call(method, **fields)

    def await_calls(self):
        """The clients have noticed that replicas were started again. grpcio reads what a server said
        only while it has a call: the next one after a restart fails with "GOAWAY received", however
        long that is ago."""
        _, token = self.user()

        def works(replica):
            try:
                return self.call("ListNotifications", replica, token=token) is not None
            except Failure:
                return False
        for one in self.mesh.replicas:
            until("calls work", lambda one=one: works(one), 30)

    def create(self, token, message=SECRET_TEXT, **fields):
        return self.call("CreateNotification",
                         **{"token": token, "message": message, "type": "in-app", **fields})

    def messages(self, token, **fields):
        """The texts of the first page."""
        reply = self.call("ListNotifications", token=token, **fields)
        return [one.message for one in reply.notifications]

    def slow_commits(self, what, user_id):
        """Blocks changes of a user's notifications, after that of the mailbox's version."""
        self.mesh.postgres.psql(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;"
            f"CREATE CONSTRAINT TRIGGER slow AFTER {what} ON notifications DEFERRABLE INITIALLY"
            f" DEFERRED FOR EACH ROW WHEN (NEW.user_id = '{user_id}') EXECUTE FUNCTION slow()")
        self.addCleanup(self.mesh.postgres.psql, "DROP FUNCTION slow() CASCADE")

    def await_slow_commit(self):
        until("a commit is under way", lambda: self.mesh.postgres.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1", 10)

    def all_pages(self, token, size):
        """The pages of a list, by following its tokens."""
        pages, page_token = [], ""
        while True:
            reply = self.call("ListNotifications", token=token, page_size=size,
                              page_token=page_token)
            pages.append([one.id for one in reply.notifications])
            page_token = reply.next_page_token
            if not page_token:
                return pages
