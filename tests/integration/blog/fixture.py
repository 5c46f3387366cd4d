"""The blog service beside real servers, and what its tests have in common."""

import json
import uuid

from harness.service import ServiceMesh, ServiceTest, user_token


class Mesh(ServiceMesh):
    def __init__(self, **settings):
        super().__init__("blog", **settings)

    def events(self, blog_id):
        """What the outbox holds of a blog: (type, payload, id) in order."""
        text = self.postgres.psql(
            "SELECT coalesce(json_agg(json_build_array(type, payload, id, aggregatetype)"
            f" ORDER BY seq), '[]') FROM outbox WHERE aggregateid = '{blog_id}'")
        return json.loads(text)

    def event_types(self, blog_id):
        return [event[0] for event in self.events(blog_id)]


def new_id():
    """Somebody's id."""
    return str(uuid.uuid4())


class BlogTest(ServiceTest):
    new_mesh = Mesh

    def setUp(self):
        self.author = new_id()

    def call(self, method, author=None, **fields):
        """As `author`, who is nobody when ""."""
        author = self.author if author is None else author
        return self.mesh.client.call(method, token=user_token(author) if author else None, **fields)

    def new_blog(self, title="A title", content="Ten letters and more", **fields):
        return self.call("CreateBlog", title=title, content=content, **fields)

    def get(self, blog_id):
        return self.call("GetBlog", "", id=blog_id)
