"""Turns of programs that are compared: the machine's speed moves while one measures, so they stay loaded
and logged in, work one after the other in short rounds, and only rounds of the same turn are compared.
Turns in which other programs took much of the machine do not count."""

import os
import statistics
import subprocess
import time

import world as worlds
from world import Failure

# A turn in which other programs took a larger share of the machine does not count, if there are
# enough others.
DISTURBED = 0.08
ENOUGH_CALM = 4


class Worker:
    """One measuring program (pace.h), loaded and logged in."""

    def __init__(self, world, command, env=None):
        self.world = world
        self.process = subprocess.Popen(command, env={**world.env, **(env or {})}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        world.processes.append(self.process)
        self.expect("ready")

    def expect(self, word):
        line = self.process.stdout.readline().split()
        if not line or line[0] != word:
            raise Failure(f"a measuring program ended: {self.process.stderr.read().strip()}")
        return [int(each) for each in line[1:]]

    def go(self, milliseconds):
        self.process.stdin.write(f"go {milliseconds}\n")
        self.process.stdin.flush()

    def done(self):
        return self.expect("done")

    def end(self):
        self.world.processes.remove(self.process)
        worlds.end_process(self.process)
        self.process.stdout.close()
        self.process.stderr.close()


class Group:
    """Programs that work at the same time, and the servers whose CPU counts as theirs."""

    def __init__(self, workers, servers=()):
        self.workers = workers
        self.servers = servers
        self.rates = []
        self.cpu = []

    def round(self, milliseconds):
        """Returns the share of the machine that other programs took meanwhile."""
        before = [worlds.cpu_ns(pid) for pid in self.servers]
        busy_before, clock_before = worlds.busy_s(), time.monotonic()
        for worker in self.workers:
            worker.go(milliseconds)
        answers = [worker.done() for worker in self.workers]
        wall = time.monotonic() - clock_before
        busy = worlds.busy_s() - busy_before
        after = [worlds.cpu_ns(pid) for pid in self.servers]
        operations = sum(answer[0] for answer in answers)
        spent = [sum(answer[2] for answer in answers)] + [b - a for a, b in zip(before, after)]
        self.rates.append(sum(1e9 * done / wall for done, wall, _ in answers))
        self.cpu.append([each / 1000 / max(operations, 1) for each in spent])
        return max(busy - sum(spent) / 1e9, 0) / wall / os.cpu_count()

    def cpu_us(self, index):
        return statistics.median(each[index] for each in self.cpu)

    def keep(self, rounds):
        """Forgets all rounds but these (indices)."""
        self.rates = [self.rates[i] for i in rounds]
        self.cpu = [self.cpu[i] for i in rounds]

    def end(self):
        for worker in self.workers:
            worker.end()


def compared(group, direct):
    """The median ratio of a group's rounds to the direct rounds of the same turns."""
    if group is None:
        return None
    return statistics.median(rate / other for rate, other in zip(group.rates, direct.rates))


def interleave(direct, others, options):
    """Takes turns until enough of them were calm: other programs took less than DISTURBED. If that is
    not to be had, all turns count. Returns how many were calm, and how many there were."""
    groups = [group for group in (direct, *others) if group]
    disturbances = []
    while sum(each < DISTURBED for each in disturbances) < options.rounds:
        if len(disturbances) >= options.rounds * options.patience:
            break
        order = groups if len(disturbances) % 2 else groups[::-1]
        disturbances.append(max(group.round(options.milliseconds) for group in order))
    calm = [i for i, each in enumerate(disturbances) if each < DISTURBED]
    if len(calm) >= min(options.rounds, ENOUGH_CALM):
        for group in groups:
            group.keep(calm)
    return len(calm), len(disturbances)
