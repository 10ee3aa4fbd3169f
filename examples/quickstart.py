"""Send requests through a session that a file describes, to servers on loopback addresses."""

from pathlib import Path

import requests_mounts
from loopback import Answer, Handler, Server


def busy_at_first(handler: Handler) -> Answer:
    """Answer 503 to the first request of a path below /reports/, as a busy service does."""
    seen = handler.server.requests.count(f"GET {handler.path}")
    return Answer(503) if "/reports/" in handler.path and seen == 1 else Answer()


def main() -> None:
    """Print which prefix served each URL, how often it was sent and what connections that took."""
    file = Path(__file__).with_name("quickstart.toml")
    with (
        Server("127.0.0.1", answer=busy_at_first) as api,
        Server("127.0.0.2") as images,
        requests_mounts.load_session(file) as session,
    ):
        print(f"{'URL':38} {'served by':32} {'status':>6} {'sent':>5} {'connections opened':>19}")
        for server, path in [
            (api, "/users/1"),
            (api, "/users/2"),
            (api, "/reports/2026"),
            (api, "/reporters"),
            (images, "/logo"),
            (images, "/photo"),
        ]:
            sent, opened = len(server.requests), server.connections
            response = session.get(server.url + path)
            print(
                f"{response.url:38} {session.explain(response.url).prefix:32}"
                f" {response.status_code:6} {len(server.requests) - sent:5}"
                f" {server.connections - opened:19}"
            )


if __name__ == "__main__":
    main()
