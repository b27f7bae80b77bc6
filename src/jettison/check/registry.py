"""The registry: every rule there is.

In:  the modules of ``check.rules``.
Out: ``RULES`` in the order of their ids.
"""

from __future__ import annotations

from jettison.check.rule import Rule
from jettison.check.rules.ms202 import MS202
from jettison.check.rules.ms203 import MS203
from jettison.check.rules.ms204 import MS204
from jettison.check.rules.ms205 import MS205
from jettison.check.rules.ms206 import MS206
from jettison.check.rules.ms207 import MS207
from jettison.check.rules.ms208 import MS208
from jettison.check.rules.ms301 import MS301
from jettison.check.rules.ms302 import MS302
from jettison.check.rules.ms303 import MS303
from jettison.check.rules.ms304 import MS304
from jettison.check.rules.ms305 import MS305
from jettison.check.rules.ms306 import MS306
from jettison.check.rules.ms307 import MS307
from jettison.check.rules.ms308 import MS308
from jettison.check.rules.ms309 import MS309
from jettison.check.rules.ms310 import MS310
from jettison.check.rules.ms311 import MS311
from jettison.check.rules.ms312 import MS312
from jettison.check.rules.ms313 import MS313
from jettison.check.rules.ms401 import MS401
from jettison.check.rules.ms402 import MS402
from jettison.check.rules.ms403 import MS403
from jettison.check.rules.ms404 import MS404
from jettison.check.rules.ms405 import MS405
from jettison.check.rules.ms406 import MS406
from jettison.check.rules.ms407 import MS407
from jettison.check.rules.ms408 import MS408
from jettison.check.rules.ms409 import MS409
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
from jettison.check.rules.ms601 import MS601
from jettison.check.rules.ms602 import MS602
from jettison.check.rules.ms603 import MS603
from jettison.check.rules.ms604 import MS604
from jettison.check.rules.ms605 import MS605
from jettison.check.rules.ms606 import MS606
from jettison.check.rules.ms607 import MS607
from jettison.check.rules.ms608 import MS608
from jettison.check.rules.ms701 import MS701
from jettison.check.rules.ms702 import MS702
from jettison.check.rules.ms703 import MS703
from jettison.check.rules.ms704 import MS704
from jettison.check.rules.ms705 import MS705
from jettison.check.rules.ms706 import MS706
from jettison.check.rules.ms707 import MS707
from jettison.check.rules.ms708 import MS708

RULES: tuple[Rule, ...] = (
    MS202(),
    MS203(),
    MS204(),
    MS205(),
    MS206(),
    MS207(),
    MS208(),
    MS301(),
    MS302(),
    MS303(),
    MS304(),
    MS305(),
    MS306(),
    MS307(),
    MS308(),
    MS309(),
    MS310(),
    MS311(),
    MS312(),
    MS313(),
    MS401(),
    MS402(),
    MS403(),
    MS404(),
    MS405(),
    MS406(),
    MS407(),
    MS408(),
    MS409(),
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
    MS601(),
    MS602(),
    MS603(),
    MS604(),
    MS605(),
    MS606(),
    MS607(),
    MS608(),
    MS701(),
    MS702(),
    MS703(),
    MS704(),
    MS705(),
    MS706(),
    MS707(),
    MS708(),
)
