"""A simulator: the shipping layers over fake stores, in virtual time, from a seed.

Two processes of one host read and write a few names while stores are slow, throttle, lose
requests and answers and are cut off, and while the processes themselves crash. What they were
told is then held against what the stores really did.

``python -m tests.simulation --help`` has the commands. How it is put together::

    loop.py       an event loop whose clock jumps to the next timer
    clocks.py     `time` and `random` of the program under test, made virtual
    history.py    what happens, as data: stores, settings, events; its script
    generate.py   a random history from a seed
    fates.py      what becomes of one request on its way
    stores.py     stores, each with a record of what it did, and the way to them
    wiring.py     the shipping layers, put together
    process.py    a process of ours: layers, journal, callers; its death
    journal.py    the host's journal, watched
    world.py      one history, from its first event to quiet
    record.py     what was asked and answered, sent and done
    judge.py      the invariants; judging/ has them, by what they are about
    faults.py     the defects that are planted; planted/ has them, by what they are of
    planting.py   how many histories it takes until one is caught
    shrink.py     a failing history, made short
    replay.py     what its script calls
    campaign.py   many histories; figures
    sequence.py   a history's trace as a picture; scripted.py: those of the documentation
"""
