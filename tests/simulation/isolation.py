"""Doing one thing in a process of its own, where Django is set up as the worlds need it."""

import multiprocessing
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tests.simulation import server_state

_P = ParamSpec("_P")
_T = TypeVar("_T")


def apart(act: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Return what `act` returns in a fresh process; `act` is a function of a module."""
    with multiprocessing.get_context("spawn").Pool(1, server_state.prepare) as pool:
        return pool.apply(act, arguments, named)
