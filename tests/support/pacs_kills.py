"""Count what arrives at a PACS if the node is killed again and again: `python tests/support/pacs_kills.py 50 10`."""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path


def killed(
    folder: Path, studies: int, kills: int, seed: int = 7, quiet_s: int = 5, most_s: float = 9
) -> dict[str, int]:
    """Numbers of studies sent, of kills, of studies with results, and of those that were worked or stored twice.

    Args:
        folder: for all files.
        studies: that are sent.
        kills: of the node.
        seed: of the moments of the kills.
        quiet_s: the seconds after which a study is complete.
        most_s: the longest time from when the node is up to when it is killed.
    """
    from pacs_nodes import Archive, Process, free_port, send_until_taken, write_study

    files = [write_study(folder / "studies" / str(number), number) for number in range(studies)]
    archive, archive_port = Archive(), free_port()
    words = ["--sender", "SCANNER", "--to", f"PACS@127.0.0.1:{archive_port}", "--quiet-s", str(quiet_s)]
    node = Process(folder, free_port(), *words)
    chance, killings = random.Random(seed), 0

    def send_all() -> None:
        for study in files:
            send_until_taken(node.port, study)
            time.sleep(chance.uniform(0, 1))

    with archive.open(archive_port):
        node.start()
        sender = threading.Thread(target=send_all, daemon=True)
        sender.start()
        while killings < kills:
            node.wait_until_up()  # on a busy machine it would else be killed before it ever took anything
            time.sleep(chance.uniform(0, most_s))
            node.end()
            killings += 1
            node.start()
        sender.join()
        try:
            node.wait(lambda: node.count("sent") == studies, 2400)
        finally:
            node.end()
    done = Counter(node.done.read_text().split())
    return {
        "sent": studies,
        "kills": killings,
        "with results": len(archive.instances),
        "objects": sum(len(instances) for instances in archive.instances.values()),
        "worked": len(done),
        "worked twice": sum(count > 1 for count in done.values()),
        "with two reports": sum(count != 5 for count in map(len, archive.instances.values())),
        "refused": node.count("refused"),
        "left": sum(node.count(state) for state in ("incoming", "ready", "working", "results")),
    }


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[:0] = [str(here.parents[1] / "bundle"), str(here)]
    with tempfile.TemporaryDirectory() as scratch:
        print(killed(Path(scratch), int(sys.argv[1]), int(sys.argv[2])))
