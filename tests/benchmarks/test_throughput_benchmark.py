"""What the benchmark of throughput reads off a command's processes."""

from __future__ import annotations

import subprocess
import sys

import throughput


def test_the_most_memory_of_a_process_counts_that_of_children() -> None:
    child = "import time; held = bytearray(300_000_000); time.sleep(1)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    before = throughput.children_cpu_s()
    running = subprocess.Popen([sys.executable, "-c", code])
    assert 300 < throughput.most_mb(running) < 400
    assert running.returncode == 0
    assert throughput.children_cpu_s() > before
