"""Mail: many small ones judged and opened in one process, beside OpenSSL and a bare C_Decrypt; large ones
made and read by `privyseal`, beside `openssl cms`, and the memory that it takes."""

import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

import report
import world as worlds
from turns import Group, Worker, compared, interleave
from works import Work, direct_workers
from world import Failure

MAILS = 1000
VERIFY_GOAL = 0.8
OPEN_GOAL = 0.9
AHEAD = 8
LARGE_GOAL = 0.7
# How many mails ahead the token works, threads of the direct program, goal.
WAYS_OF_OPENING = ((AHEAD, 1, OPEN_GOAL), (AHEAD, os.cpu_count(), None), (0, 1, None))
MEGABYTES = (1, 10, 100)
# The kernel tells the peak of a process only while it lives.
SAMPLE_S = 0.002

DECRYPT_RSA = ("decrypt-rsa", "RSA-2048", "decrypt-rsa", "alice-rsa-decrypt", "Alice RSA decryption")
SIGNERS = (("RSA-2048", "alice-rsa-sign"), ("P-256", "alice-p256-sign"))


def tell(text):
    print(f"  {text}", file=sys.stderr, flush=True)


# -- many small ones --------------------------------------------------------------------------


def measure_verify(world, options, title, key):
    def judging(way):
        command = [world.program("judge-mails"), way, str(world.certificate(key)),
                   str(world.fixture / "intermediate.pem"),
                   str(world.fixture / "software-keys" / f"{key}.pem"),
                   str(world.fixture / "root.pem"), str(options.mails)]
        return Group([Worker(world, command)])

    other, alone, ours = (judging(way) for way in ("openssl", "cms-verify", "ours"))
    calm = interleave(alone, [other, ours], options)
    result = {"title": f"verify, {title}", "other": "CMS_verify",
              "rate": statistics.median(alone.rates), "ratio": compared(ours, alone),
              "read": compared(ours, other), "goal": VERIFY_GOAL, "calm": calm,
              "cpu": (alone.cpu_us(0), ours.cpu_us(0))}
    for group in (other, alone, ours):
        group.end()
    tell(f"{result['title']}: {report.ratio(result['ratio'])} of CMS_verify, "
         f"{report.ratio(result['read'])} with the mail read by OpenSSL")
    return result


def measure_open(world, options, ahead, threads, goal):
    work = Work(world, DECRYPT_RSA, {})
    direct = Group(direct_workers(world, work, 1, threads))
    command = [world.program("open-mails"), work.certificate, str(options.mails), str(ahead)]
    worker = Worker(world, command)
    ours = Group([worker], [world.agent_pid(), world.host_pid()])
    calm = interleave(direct, [ours], options)
    title = f"{ahead} ahead" if ahead else "one after the other"
    result = {"title": f"open, RSA-2048, {title}", "other": f"C_Decrypt, threads: {threads}",
              "rate": statistics.median(direct.rates), "ratio": compared(ours, direct), "read": None,
              "goal": goal, "calm": calm,
              "cpu": (direct.cpu_us(0), sum(ours.cpu_us(i) for i in range(3)))}
    for group in (direct, ours):
        group.end()
    tell(f"{result['title']}: {report.ratio(result['ratio'])} of C_Decrypt")
    return result


# -- large ones -------------------------------------------------------------------------------


def write_mail(path, megabytes):
    """An attachment as mail programs store it: base64, line ends of this system."""
    line = "dGhlIEtlZXBlciBuZXZlciBsZXRzIHRoZSBzZWFsIG91dCBvZiBoaXMgaGFuZHMsIGRheSBhbmQg\n"
    with open(path, "w", encoding="ascii") as file:
        file.write("From: alice@example.org\nTo: bob@example.org\nSubject: large\nMIME-Version: 1.0\n"
                   "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n")
        lines = megabytes * 1000000 // len(line)
        for _ in range(lines // 1000):
            file.write(line * 1000)
        file.write(line * (lines % 1000))


def status_kib(pid, names):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return {}
    words = (row.split() for row in text.splitlines())
    return {row[0][:-1]: int(row[1]) for row in words if row[0][:-1] in names}


def run_once(world, command, output):
    """Seconds, the largest VmHWM (mapped files included) and RssAnon, in KiB."""
    peaks = {"VmHWM": 0, "RssAnon": 0}
    with open(output, "wb") as file:
        started = time.monotonic()
        process = subprocess.Popen(command, env=world.env, stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=subprocess.PIPE, text=True)
        over = threading.Event()

        def watch():
            while not over.wait(SAMPLE_S):
                for name, value in status_kib(process.pid, peaks).items():
                    peaks[name] = max(peaks[name], value)

        watcher = threading.Thread(target=watch)
        watcher.start()
        said = process.communicate()[1]
        seconds = time.monotonic() - started
        over.set()
        watcher.join()
    if process.returncode:
        raise Failure(f"'{' '.join(command[:2])}' failed: {said.strip()}")
    return seconds, peaks


def large_works(world):
    """name, goal, and the two commands by input file; what the first made is the input of the third."""
    def key(name):
        return str(world.fixture / "software-keys" / f"{name}.pem")

    privyseal = str(world.build / "ui-cli/privyseal")
    root, middle = (str(world.fixture / f"{name}.pem") for name in ("root", "intermediate"))
    signer, reader = (str(world.certificate(name)) for name in ("alice-rsa-sign", "alice-rsa-decrypt"))
    openssl = ["openssl", "cms"]
    return [
        ("sign", LARGE_GOAL, "mail",
         [privyseal, "sign", "--key", "Alice RSA signing"],
         [*openssl, "-sign", "-stream", "-md", "sha256", "-signer", signer, "-inkey",
          key("alice-rsa-sign"), "-certfile", middle, "-in"]),
        ("encrypt", LARGE_GOAL, "mail",
         [privyseal, "encrypt", "--to", reader, "--cipher", "aes-256-cbc"],
         [*openssl, "-encrypt", "-stream", "-aes256", "-recip", reader, "-in"]),
        ("verify", None, "sign",
         [privyseal, "verify", "--anchor", root, "--revocation", "off"],
         [*openssl, "-verify", "-CAfile", root, "-in"]),
        ("decrypt", None, "encrypt",
         [privyseal, "decrypt"],
         [*openssl, "-decrypt", "-recip", reader, "-inkey", key("alice-rsa-decrypt"), "-in"]),
    ]


def measure_large(world, options, megabytes):
    folder = world.folder / "large"
    folder.mkdir(exist_ok=True)
    write_mail(folder / "mail", megabytes)
    results = []
    for name, goal, source, ours, other in large_works(world):
        input_file, made = str(folder / source), folder / name
        runs = {"ours": [], "other": []}
        ways = (("other", other, folder / "other"), ("ours", ours, made))
        for turn in range(options.large_rounds):
            for way, command, output in ways if turn % 2 else ways[::-1]:
                runs[way].append(run_once(world, [*command, input_file], output))
        ratios = [b[0] / a[0] for a, b in zip(runs["ours"], runs["other"])]
        peaks = {way: {kind: max(run[1][kind] for run in seen) / 1024 for kind in seen[0][1]}
                 for way, seen in runs.items()}
        results.append({"title": name, "megabytes": megabytes, "goal": goal,
                        "seconds": statistics.median(run[0] for run in runs["other"]),
                        "ratio": statistics.median(ratios), "peaks": peaks})
        tell(f"{name}, {megabytes} MB: {report.ratio(results[-1]['ratio'])} of openssl cms, "
             f"{peaks['ours']['VmHWM']:.0f} MiB, {peaks['ours']['RssAnon']:.0f} of them its own")
    return results


# -- all of it --------------------------------------------------------------------------------


def unlock(world):
    subprocess.run([str(world.build / "ui-cli/privyseal"), "unlock", "Alice"], env=world.env,
                   capture_output=True, stdin=subprocess.DEVNULL, check=True)


def measure_all(options):
    load = os.getloadavg()[0]
    with worlds.World(options.build) as world:
        unlock(world)
        many = [measure_verify(world, options, title, key) for title, key in SIGNERS
                if not options.only or "verify" in options.only]
        if not options.only or "open" in options.only:
            many += [measure_open(world, options, *way) for way in WAYS_OF_OPENING]
        large = [row for megabytes in options.megabytes if not options.only or "large" in options.only
                 for row in measure_large(world, options, megabytes)]
    return {"rounds": options.rounds, "milliseconds": options.milliseconds, "load": load,
            "many": many, "large": large}
