"""What the flows' scripts share: each step prints one line of JSON, which the flow beside it asserts."""

import json
import os
import sys


def setting(name):
    """A variable that the flow has to give."""
    if name not in os.environ:
        sys.exit(f"The environment variable {name} is missing: this script is run by a flow.")
    return os.environ[name]


def tell(step, **values):
    print(json.dumps({"step": step, **values}, default=str), flush=True)


def failure_of(work):
    """The exception that `work` raises, as text, or None."""
    try:
        work()
    except Exception as error:  # whatever the client makes of a refusal
        return {"type": type(error).__name__, "text": str(error)}
    return None


def wait_for_flow():
    """Lets the flow change something meanwhile."""
    sys.stdin.readline()
