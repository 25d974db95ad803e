"""Our PKCS#11 module: a signature through it beside the same by libprivyseal, threads beside processes,
and how long a program's first look at a token takes."""

import os
import statistics
import subprocess
import sys

import report
import world as worlds
from turns import Group, compared, interleave
from works import (SIGN_P256, SIGN_RSA, TOKEN, Work, agent_group, direct_workers, module_group,
                   p11kit_group, p11kit_server)
from world import Failure

# At most 15 % more wall time than by libprivyseal.
SIGN_GOAL = 0.87
# Threads of one process share one module: they are to be as good as processes, nearly.
THREADS = 8
THREADS_GOAL = 0.9

CERTIFICATES = 20
LOOK_GOAL_MS = 20
# Looks are short: a round has some of each way.
LOOKS_A_ROUND = 5


def tell(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def end_all(*groups):
    for group in groups:
        if group:
            group.end()


# -- a signature ------------------------------------------------------------------------------


def measure_signing(world, work, clients, options):
    library = agent_group(world, work, clients, 1)
    module = module_group(world, work, clients)
    calm = interleave(library, [module], options)
    end_all(library, module)
    result = {"title": work.title, "clients": clients, "library": statistics.median(library.rates),
              "module": compared(module, library), "goal": SIGN_GOAL, "calm": calm,
              "cpu": [group.cpu_us(0) for group in (library, module)]}
    tell(f"{work.title}, {clients} clients: module {report.ratio(result['module'])}")
    return result


# -- threads ----------------------------------------------------------------------------------


def measure_threads(world, work, options, server):
    threads = min(THREADS, options.most_threads)
    alone = Group(direct_workers(world, work, threads)), Group(direct_workers(world, work, 1, threads))
    own = module_group(world, work, threads), module_group(world, work, 1, threads)
    p11kit = (p11kit_group(world, work, threads, server),
              p11kit_group(world, work, 1, server, threads))
    calm = interleave(own[0], [own[1], *p11kit, *alone], options)
    result = {"title": f"{work.title}, {threads} threads", "processes": statistics.median(own[0].rates),
              "module": compared(own[1], own[0]), "goal": THREADS_GOAL, "calm": calm,
              "p11kit": compared(p11kit[1], p11kit[0]), "alone": compared(alone[1], alone[0])}
    end_all(*own, *p11kit, *alone)
    tell(f"{result['title']}: module {report.ratio(result['module'])}, "
         f"p11-kit's client {report.ratio(result['p11kit'])}")
    return result


# -- a first look -----------------------------------------------------------------------------


def look(world, module, env=None):
    """Milliseconds of one program's look."""
    done = subprocess.run([world.program("first-look"), module, TOKEN, str(world.certificates)],
                          env={**world.env, **(env or {})}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"cannot look at the token by {module}: {done.stderr.strip()}")
    return int(done.stdout.split()[3]) / 1000


def agent_is_up(world):
    """A program that looks sooner would wait for the agent's start."""
    subprocess.run([world.program("through-agent"), "activate", "Alice 1"], env=world.env,
                   capture_output=True, check=True)


def ways_of_looking(world, server):
    """name, module, environment; ours comes first."""
    ways = [("privyseal-pkcs11.so, agent running", world.own_module(), {}),
            ("SoftHSM itself, loaded by the program", world.module, {})]
    if server:
        address, client_module, _ = server
        ways.append(("p11-kit's client, p11-kit server running", client_module,
                     {"P11_KIT_SERVER_ADDRESS": address}))
    return ways


def row_of_looks(name, times, goal):
    median = statistics.median(times)
    slow = sorted(times)[len(times) * 9 // 10]
    verdict = "" if goal is None else ("reached" if median <= goal else "short")
    return name, f"{median:.1f} ms", f"{slow:.1f} ms", f"{goal} ms" if goal else "-", verdict


def measure_looks(world, options):
    with p11kit_server(world) as server:
        ways = ways_of_looking(world, server)
        times = {name: [] for name, _, _ in ways}
        for turn in range(options.rounds * LOOKS_A_ROUND):
            for name, module, env in ways if turn % 2 else ways[::-1]:
                times[name].append(look(world, module, env))
    rows = [row_of_looks(name, seen, LOOK_GOAL_MS if name == ways[0][0] else None)
            for name, seen in times.items()]
    for row in rows:
        tell(f"first look at {world.certificates} certificates, {row[0]}: {row[1]}")
    return rows


# -- all of it --------------------------------------------------------------------------------


def measure_all(options):
    load = os.getloadavg()[0]
    rows = [row for row in (SIGN_P256, SIGN_RSA) if not options.only or row[0] in options.only]
    looks = []
    with worlds.World(options.build) as world:
        works = [Work(world, row, {}) for row in rows]
        signing = [measure_signing(world, work, clients, options)
                   for work in works for clients in options.clients]
        with p11kit_server(world) as server:
            threads = [measure_threads(world, work, options, server) for work in works]
    if not options.no_facts:
        with worlds.World(options.build, certificates=CERTIFICATES) as world:
            agent_is_up(world)
            looks = measure_looks(world, options)
    return {"rounds": options.rounds, "milliseconds": options.milliseconds, "load": load,
            "signing": signing, "threads": threads, "looks": looks}
