"""The command line, `tandem`.

    main.py      the program; later.py: its commands, each loaded when it is asked for
    run.py, check.py, doctor.py, keygen.py, reload.py, status.py
    demo.py      `tandem demo`: the demo of the source tree
    inspect.py, learn.py                        the inspector on captures
    lists.py     `diagnose ...` and `execute ...`: the vendor's words for looking and acting; log.py: the events
    filters.py   which rows of a list are shown
    options.py   the options that commands share
    progress.py  how far long work has come, on standard error
    target.py    which node is meant: --socket, --config, TANDEM_CONFIG, or the only one on this host
    admin.py     the client of a node's admin API
    failures.py  errors that end in one clear message and an exit code
    views/       how answers look; pure functions from JSON to text

Exit codes: 0 done, 1 the node cannot be reached or says no, 2 usage, configuration or host.
Imports that cost time (the configuration, rich, the node itself) are made by the commands that need them.
"""
