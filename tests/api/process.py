"""A service as a process of its own: `python -m tests.api.process DIRECTORY` prints its port once it is ready."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from model.prediction import Predictions
from service.api import create_app
from service.server import bind, serve
from service.store.database import open_database
from tests.api.stand_in import House


def main(directory: Path) -> None:
    listener = bind("127.0.0.1", 0)
    with open_database(f"sqlite:///{directory}/log.db") as database:
        house = House(database, directory)
        classify = house.classifier.classify

        def slowly(texts: Sequence[str]) -> Predictions:
            time.sleep(0.02)
            return classify(texts)

        house.classifier.classify = slowly  # type: ignore[method-assign]  # so that requests wait when SIGTERM comes
        app = create_app(house.parts)
        serve(app, listener, app.state.readiness, lambda: print(listener.getsockname()[1], flush=True))  # noqa: T201 - its one line
    assert not house.predictor.accepting


if __name__ == "__main__":
    main(Path(sys.argv[1]))
