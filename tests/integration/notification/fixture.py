"""The notification service beside real servers, and what its tests have in common."""

import uuid

from harness.kafka import Kafka
from harness.service import ServiceMesh, ServiceTest, user_token

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

    def create(self, token, message=SECRET_TEXT, **fields):
        return self.call("CreateNotification",
                         **{"token": token, "message": message, "type": "in-app", **fields})

    def messages(self, token, **fields):
        """The texts of the first page."""
        reply = self.call("ListNotifications", token=token, **fields)
        return [one.message for one in reply.notifications]

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
