"""The registry: every rule there is.

In:  the modules of ``check.rules``.
Out: ``RULES`` in the order of their ids.
"""

from __future__ import annotations

from jettison.check.rule import Rule
from jettison.check.rules.ms203 import MS203
from jettison.check.rules.ms207 import MS207
from jettison.check.rules.ms301 import MS301
from jettison.check.rules.ms308 import MS308
from jettison.check.rules.ms309 import MS309
from jettison.check.rules.ms310 import MS310
from jettison.check.rules.ms311 import MS311
from jettison.check.rules.ms312 import MS312
from jettison.check.rules.ms401 import MS401
from jettison.check.rules.ms402 import MS402
from jettison.check.rules.ms403 import MS403
from jettison.check.rules.ms404 import MS404
from jettison.check.rules.ms405 import MS405
from jettison.check.rules.ms406 import MS406
from jettison.check.rules.ms407 import MS407
from jettison.check.rules.ms408 import MS408
from jettison.check.rules.ms410 import MS410
from jettison.check.rules.ms411 import MS411
from jettison.check.rules.ms501 import MS501
from jettison.check.rules.ms502 import MS502
from jettison.check.rules.ms503 import MS503
from jettison.check.rules.ms504 import MS504
from jettison.check.rules.ms505 import MS505
from jettison.check.rules.ms506 import MS506
from jettison.check.rules.ms507 import MS507
from jettison.check.rules.ms508 import MS508
from jettison.check.rules.ms509 import MS509
from jettison.check.rules.ms510 import MS510
from jettison.check.rules.ms511 import MS511
from jettison.check.rules.ms512 import MS512

RULES: tuple[Rule, ...] = (
    MS203(),
    MS207(),
    MS301(),
    MS308(),
    MS309(),
    MS310(),
    MS311(),
    MS312(),
    MS401(),
    MS402(),
    MS403(),
    MS404(),
    MS405(),
    MS406(),
    MS407(),
    MS408(),
    MS410(),
    MS411(),
    MS501(),
    MS502(),
    MS503(),
    MS504(),
    MS505(),
    MS506(),
    MS507(),
    MS508(),
    MS509(),
    MS510(),
    MS511(),
    MS512(),
)
