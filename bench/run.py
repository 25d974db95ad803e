#!/usr/bin/env python3
"""Compares work done through the agent with the same work done by a program that loads the PKCS#11
module itself, and with `p11-kit server`.

    bench/run.py [--build DIR] [--quick] [--only WORK ...] [--clients N ...] [--write FILE]

The machine's speed moves while one measures, so programs take turns in short rounds, and each round is
compared with the direct one of the same turn; told is the median of these ratios. Turns in which other
programs took much of the machine do not count. The programs stay loaded and logged in between rounds
(bench/pace.h)."""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time

import report
import world as worlds
from world import Failure

P11KIT_CLIENT = "pkcs11/p11-kit-client.so"

TOKEN = "Alice"
IN_FLIGHT = 32
# A turn in which other programs took a larger share of the machine does not count, if there are
# enough others.
DISTURBED = 0.08
ENOUGH_CALM = 4
# After this long without a request agent and host count as idle.
QUIET_S = 1

# An HSM across a network: operations sleep.
HSM_SLEEP_MS = 2

# name, title, operation of question.h, key of the fixture, label, goals by number of clients
SOFTHSM_WORKS = [
    ("sign-rsa", "RSA-2048 sign", "sign-rsa", "alice-rsa-sign", "Alice RSA signing",
     {1: 0.88, 8: 0.93}),
    ("sign-p256", "P-256 sign", "sign-p256", "alice-p256-sign", "Alice P-256 signing",
     {1: 0.45, 8: 0.58}),
    ("decrypt-rsa", "RSA-2048 decrypt", "decrypt-rsa", "alice-rsa-decrypt", "Alice RSA decryption",
     {1: 0.90, 8: 0.94}),
    ("derive-p256", "P-256 ECDH", "derive-p256", "alice-p256-decrypt", "Alice P-256 decryption", {}),
]
HSM_WORKS = [
    ("hsm", f"{HSM_SLEEP_MS} ms HSM", "sign-p256", "alice-p256-sign", "Alice P-256 signing",
     {1: 0.93, 8: 0.92, "pipelined": 0.93}),
]


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


class Work:
    """One row of the table: an operation on a key."""

    def __init__(self, world, row):
        self.name, self.title, self.operation, key, self.label, self.goals = row
        self.certificate = str(world.certificate(key))


def direct_workers(world, work, clients, threads=1, module=None, env=None):
    command = [world.program("direct"), module or world.module, str(world.pin_file), work.operation,
               work.label, work.certificate, str(threads)]
    return [Worker(world, command, env) for _ in range(clients)]


def agent_group(world, work, clients, in_flight):
    command = [world.program("through-agent"), "work", work.operation, work.label, work.certificate]
    if in_flight > 1:
        command.append(str(in_flight))
    workers = [Worker(world, command) for _ in range(clients)]
    return Group(workers, [world.agent_pid(), world.host_pid()])


def p11kit_group(world, work, clients, server):
    """None where p11-kit cannot do the work."""
    if not server or work.operation == "derive-p256":
        return None
    address, client_module, pid = server
    workers = direct_workers(world, work, clients, module=client_module,
                             env={"P11_KIT_SERVER_ADDRESS": address})
    return Group(workers, worlds.children(pid)) # it forks for each connection


def measure(world, work, clients, options, server=None, in_flight=1):
    direct = Group(direct_workers(world, work, clients, threads=in_flight))
    agent = agent_group(world, work, clients, in_flight)
    p11kit = p11kit_group(world, work, clients, server) if in_flight == 1 else None
    calm = interleave(direct, [agent, p11kit], options)
    for group in (direct, agent, p11kit):
        if group:
            group.end()
    title = work.title if in_flight == 1 else f"{work.title}, {in_flight} in flight"
    result = {
        "title": title, "clients": clients, "direct": statistics.median(direct.rates),
        "agent": compared(agent, direct), "p11kit": compared(p11kit, direct),
        "goal": work.goals.get(clients if in_flight == 1 else "pipelined"), "calm": calm,
        "cpu": {"direct": direct.cpu_us(0), "client": agent.cpu_us(0), "agent": agent.cpu_us(1),
                "host": agent.cpu_us(2)},
    }
    print(f"  {title}, {clients} clients: agent {report.ratio(result['agent'])}, "
          f"p11-kit server {report.ratio(result['p11kit'])}", file=sys.stderr, flush=True)
    return result


def find_p11kit_client():
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib"):
        if os.path.exists(f"{folder}/{P11KIT_CLIENT}"):
            return f"{folder}/{P11KIT_CLIENT}"
    return None


@contextlib.contextmanager
def p11kit_server(world):
    """`p11-kit server` for the world's module; yields its address, the client module and the server's pid,
    or None."""
    client_module = find_p11kit_client()
    if not client_module:
        yield None
        return
    socket = world.folder / "run" / "p11-kit"
    process = world.start(["p11-kit", "server", "-f", "-n", str(socket), "--provider", world.module,
                           f"pkcs11:token={TOKEN}"], stdout=subprocess.DEVNULL)
    worlds.wait_until(socket.exists, "p11-kit server to listen")
    try:
        yield f"unix:path={socket}", client_module, process.pid
    finally:
        world.processes.remove(process)
        worlds.end_process(process)


def measure_speed(world, options, rows):
    results = []
    works = [Work(world, row) for row in rows]
    with p11kit_server(world) as server:
        for work in works:
            results += [measure(world, work, clients, options, server)
                        for clients in options.clients]
    results += [measure(world, work, 1, options, in_flight=IN_FLIGHT) for work in works
                if "pipelined" in work.goals]
    return results


def judged(name, value, goal, unit, digits=0):
    verdict = "reached" if value <= goal else "short"
    return name, f"{value:.{digits}f} {unit}", f"{goal} {unit}", verdict


def measure_activation(world, work, rounds):
    """Milliseconds from a client's first call, with no agent running, to the first answer, and until
    the token's keys are listed."""
    times = []
    for _ in range(rounds):
        world.end_agent()
        done = subprocess.run([world.program("through-agent"), "activate", work.label], env=world.env,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"cannot activate the agent: {done.stderr.strip()}")
        words = done.stdout.split()
        times.append((int(words[1]) / 1000, int(words[3]) / 1000))
    return [statistics.median(column) for column in zip(*times)]


def measure_idle(world, work, seconds):
    """Memory and wake-ups of agent and host with the token unlocked and one client connected, beside
    a bare program that is logged in by itself."""
    client = agent_group(world, work, 1, 1)
    client.round(50)
    agent, host = client.servers
    bare = Group(direct_workers(world, work, 1))
    bare.round(50)
    sizes = [worlds.pss_kib(pid) for pid in (agent, host, bare.workers[0].process.pid)]
    bare.end()
    time.sleep(QUIET_S)
    before = [worlds.wake_ups(pid) for pid in (agent, host)]
    time.sleep(seconds)
    woken = [worlds.wake_ups(pid) - old for pid, old in zip((agent, host), before)]
    client.end()
    return [
        judged("agent's memory (PSS)", sizes[0] / 1024, 3, "MiB", 1),
        judged("host's memory beyond a bare program's (PSS)", (sizes[1] - sizes[2]) / 1024, 2, "MiB", 1),
        judged(f"wake-ups of the idle agent in {seconds} s", woken[0], 0, "times"),
        judged(f"wake-ups of the idle host in {seconds} s", woken[1], 0, "times"),
    ]


def measure_crowd(world, work, options, connections):
    """CPU of the agent an operation with many idle connections, in turn with none."""
    crowds = {0: [], connections: []}
    busy = agent_group(world, work, max(options.clients), 1)
    for _ in range(max(options.rounds // 2, 1)):
        for size, seen in crowds.items():
            idle = subprocess.Popen([world.program("through-agent"), "idle", str(size)], env=world.env,
                                    text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            world.processes.append(idle)
            if idle.stdout.readline().strip() != "ready":
                raise Failure(f"cannot hold {size} connections to the agent")
            busy.round(options.milliseconds)
            seen.append(busy.cpu[-1][1])
            world.processes.remove(idle)
            worlds.end_process(idle)
            idle.stdout.close()
    busy.end()
    alone, crowded = (statistics.median(seen) for seen in crowds.values())
    return [("agent's CPU an operation beside no idle connection", f"{alone:.0f} us", "60 us",
             "reached" if alone <= 60 else "short"),
            (f"agent's CPU an operation beside {connections} idle connections", f"{crowded:.0f} us",
             "flat", "reached" if crowded <= 1.1 * alone else "short")]


def measure_facts(world, options, work):
    answered, listed = measure_activation(world, work, options.rounds)
    facts = [judged("activation to the first answer", answered, 50, "ms"),
             ("activation until the keys are listed", f"{listed:.0f} ms", "-", "")]
    facts += measure_idle(world, work, options.idle_seconds)
    facts += measure_crowd(world, work, options, options.crowd)
    return facts


def parse_options():
    parser = argparse.ArgumentParser(description="Measures Privy Seal beside a direct PKCS#11 program.")
    parser.add_argument("--build", default="build-bench", help="build folder (default: build-bench)")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs")
    parser.add_argument("--only", nargs="+", metavar="WORK", help="these rows only, e.g. sign-p256")
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 4, 8], help="client processes")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each comparison")
    parser.add_argument("--milliseconds", type=int, default=500, help="length of a round")
    parser.add_argument("--patience", type=int, default=4,
                        help="how many times more turns to take if other programs disturb")
    parser.add_argument("--no-facts", action="store_true", help="speed only")
    parser.add_argument("--write", metavar="FILE", help="document to write the tables into")
    options = parser.parse_args()
    options.idle_seconds, options.crowd = 10, 200
    if options.quick:
        options.clients, options.rounds, options.milliseconds = [1, 2], 1, 30
        options.patience = 1
        options.idle_seconds, options.crowd = 1, 20
    return options


def measure_all(options):
    load = os.getloadavg()[0]
    wanted = [[row for row in rows if not options.only or row[0] in options.only]
              for rows in (SOFTHSM_WORKS, HSM_WORKS)]
    speed, facts = [], []
    with worlds.World(options.build) as world:
        if wanted[0]:
            speed += measure_speed(world, options, wanted[0])
        if not options.no_facts:
            facts += measure_facts(world, options, Work(world, SOFTHSM_WORKS[1]))
    if wanted[1]:
        with worlds.World(options.build, sleep_ms=HSM_SLEEP_MS) as world:
            speed += measure_speed(world, options, wanted[1])
    return {"rounds": options.rounds, "milliseconds": options.milliseconds, "load": load,
            "speed": speed, "facts": facts}


def main():
    options = parse_options()
    try:
        text = report.compose(measure_all(options))
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    print(text)
    if options.write:
        report.write_document(options.write, text)


if __name__ == "__main__":
    main()
