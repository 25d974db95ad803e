#!/usr/bin/env python3
"""Compares work done through the agent with the same work done by a program that loads the PKCS#11
module itself, and with `p11-kit server` (part `agent`); our own PKCS#11 module with libprivyseal
(part `module`, module.py); mail with OpenSSL (part `mail`, mail.py); and what the agent adds to a slow
smart card (part `card`, card.py).

    bench/run.py [--part PART ...] [--build DIR] [--quick] [--only WORK ...] [--clients N ...] [--write FILE]

The machine's speed moves while one measures, so programs take turns in short rounds, and each round is
compared with the direct one of the same turn; told is the median of these ratios. Turns in which other
programs took much of the machine do not count. The programs stay loaded and logged in between rounds
(bench/pace.h)."""

import argparse
import os
import statistics
import subprocess
import sys
import time

import card
import mail
import module
import report
import world as worlds
from turns import Group, compared, interleave
from works import (SIGN_P256, SIGN_RSA, Work, agent_group, direct_workers, p11kit_group,
                   p11kit_server)
from world import Failure

IN_FLIGHT = 32
# After this long without a request agent and host count as idle.
QUIET_S = 1

# Lanes that are opened in a round; the agent allows 64 each second.
OPENINGS = 50
OPENING_PAUSE_S = 1.1

# An HSM across a network: operations sleep.
HSM_SLEEP_MS = 2

# What lanes are to reach, by number of clients.
LANE_GOALS = {
    "sign-p256": {1: 0.70, 4: 0.78, 8: 0.80},
    "sign-rsa": {1: 0.95, 4: 0.97, 8: 0.98},
    "decrypt-rsa": {1: 0.95, 4: 0.97, 8: 0.97},
    "hsm": {1: 0.97, 4: 0.98, 8: 0.99, "pipelined": 0.97},
}

# what is done (works.py), goals by number of clients
SOFTHSM_WORKS = [
    (SIGN_RSA, {1: 0.88, 8: 0.93}),
    (SIGN_P256, {1: 0.45, 8: 0.58}),
    (("decrypt-rsa", "RSA-2048 decrypt", "decrypt-rsa", "alice-rsa-decrypt",
      "Alice RSA decryption"), {1: 0.90, 8: 0.94}),
    (("derive-p256", "P-256 ECDH", "derive-p256", "alice-p256-decrypt",
      "Alice P-256 decryption"), {}),
]
HSM_WORKS = [
    (("hsm", f"{HSM_SLEEP_MS} ms HSM", *SIGN_P256[2:]), {1: 0.93, 8: 0.92, "pipelined": 0.93}),
]


def cpu_of(group):
    return dict(zip(("client", "agent", "host"), (group.cpu_us(i) for i in range(3))))


def measure(world, work, clients, options, server=None, in_flight=1):
    direct = Group(direct_workers(world, work, clients, threads=in_flight))
    agent = agent_group(world, work, clients, in_flight)
    lanes = agent_group(world, work, clients, in_flight, lanes=True)
    p11kit = p11kit_group(world, work, clients, server) if in_flight == 1 else None
    calm = interleave(direct, [agent, lanes, p11kit], options)
    for group in (direct, agent, lanes, p11kit):
        if group:
            group.end()
    title = work.title if in_flight == 1 else f"{work.title}, {in_flight} in flight"
    goal = clients if in_flight == 1 else "pipelined" # on one connection, and on one lane
    result = {
        "title": title, "clients": clients, "direct": statistics.median(direct.rates),
        "agent": compared(agent, direct), "p11kit": compared(p11kit, direct),
        "lanes": compared(lanes, direct),
        "goal": work.goals.get(goal), "lanes goal": LANE_GOALS.get(work.name, {}).get(goal), "calm": calm,
        "cpu": {"direct": direct.cpu_us(0), **cpu_of(agent)},
        "lanes cpu": cpu_of(lanes),
    }
    print(f"  {title}, {clients} clients: agent {report.ratio(result['agent'])}, "
          f"lanes {report.ratio(result['lanes'])}, p11-kit server {report.ratio(result['p11kit'])}", file=sys.stderr, flush=True)
    return result


def measure_speed(world, options, rows):
    results = []
    works = [Work(world, row, goals) for row, goals in rows]
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


def measure_opening(world, work, rounds):
    """From OpenLane to the lane, and what agent and host spend on it and on its end."""
    process = subprocess.Popen([world.program("through-agent"), "lanes", work.label, str(OPENINGS)],
                               env=world.env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    world.processes.append(process)
    if process.stdout.readline().strip() != "ready":
        raise Failure("cannot open lanes")
    servers = [world.agent_pid(), world.host_pid()]
    times, spent = [], []
    for _ in range(rounds):
        before = [worlds.cpu_ns(pid) for pid in servers]
        process.stdin.write("open\n")
        process.stdin.flush()
        times.append(int(process.stdout.readline().split()[1]))
        time.sleep(OPENING_PAUSE_S)
        spent.append([(worlds.cpu_ns(pid) - old) / 1000 / OPENINGS
                      for pid, old in zip(servers, before)])
    world.processes.remove(process)
    worlds.end_process(process)
    process.stdout.close()
    agent, host = (statistics.median(column) for column in zip(*spent))
    return [judged("opening a lane", statistics.median(times), 250, "us"),
            ("agent's CPU for a lane's opening and end", f"{agent:.0f} us", "-", ""),
            ("host's CPU for a lane's opening and end", f"{host:.0f} us", "-", "")]


def measure_facts(world, options, work):
    answered, listed = measure_activation(world, work, options.rounds)
    facts = [judged("activation to the first answer", answered, 50, "ms"),
             ("activation until the keys are listed", f"{listed:.0f} ms", "-", "")]
    facts += measure_idle(world, work, options.idle_seconds)
    facts += measure_crowd(world, work, options, options.crowd)
    facts += measure_opening(world, work, options.rounds)
    return facts


def parse_options():
    parser = argparse.ArgumentParser(description="Measures Privy Seal beside a direct PKCS#11 program.")
    parser.add_argument("--part", dest="parts", nargs="+", choices=PARTS, help="which tables (default: all)")
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
    options.idle_seconds, options.crowd, options.most_threads = 10, 200, 64
    options.mails, options.megabytes = mail.MAILS, mail.MEGABYTES
    options.large_rounds = max(options.rounds // 2, 1)
    if options.quick:
        options.clients, options.rounds, options.milliseconds = [1, 2], 1, 30
        options.patience = 1
        options.idle_seconds, options.crowd, options.most_threads = 1, 20, 2
        options.mails, options.megabytes, options.large_rounds = 20, (1,), 1
    return options


def measure_agent(options):
    load = os.getloadavg()[0]
    wanted = [[row for row in rows if not options.only or row[0][0] in options.only]
              for rows in (SOFTHSM_WORKS, HSM_WORKS)]
    speed, facts = [], []
    with worlds.World(options.build) as world:
        if wanted[0]:
            speed += measure_speed(world, options, wanted[0])
        if not options.no_facts:
            facts += measure_facts(world, options, Work(world, SIGN_P256, {}))
    if wanted[1]:
        with worlds.World(options.build, sleep_ms=HSM_SLEEP_MS) as world:
            speed += measure_speed(world, options, wanted[1])
    return {"rounds": options.rounds, "milliseconds": options.milliseconds, "load": load,
            "speed": speed, "facts": facts}


PARTS = {"agent": measure_agent, "module": module.measure_all, "mail": mail.measure_all,
         "card": card.measure_all}


def main():
    options = parse_options()
    for part in options.parts or PARTS:
        if part == "card" and not options.parts and card.missing():
            print(f"bench: no cards are measured: {card.missing()} is missing", file=sys.stderr)
            continue
        try:
            text = report.compose(PARTS[part](options))
        except Failure as failure:
            sys.exit(f"bench: {failure}")
        print(text)
        if options.write:
            report.write_document(options.write, part, text)


if __name__ == "__main__":
    main()
