"""A process of its own that writes: `writer.py URL MODE NUMBER COUNT`. Says `ready`, waits for a line, then begins."""

from __future__ import annotations

import sys
from itertools import count as forever

from service.store.database import open_database
from service.store.labels import Labels
from service.store.nouns import NewLabel
from service.store.predictions import PredictionLog
from service.store.verdicts import Verdicts
from tests.contract.store.rows import NEWS, START, record, row_id


def main(url: str, mode: str, number: int, count: int) -> None:
    if mode == "open":
        say("ready")
        sys.stdin.readline()
    with open_database(url) as database:
        log, labels, verdicts = PredictionLog(database), Labels(database), Verdicts(database)
        if mode != "open":
            say("ready")
            sys.stdin.readline()
        if mode == "predictions":
            for batch in range(count):
                log.append([record(number + 3 * batch + row) for row in range(3)])
        elif mode == "labels":
            for row in range(count):
                labels.add([NewLabel(row_id(number + row), None, "Sports")], START + row)
        elif mode == "claims":
            for slot in range(count):
                if verdicts.claim(NEWS.version, f"slot {slot}", START):
                    say(str(slot))
        elif mode == "until killed":
            for row in forever(number):
                log.append([record(row)])
                say(str(record(row).id))
    say("done")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
