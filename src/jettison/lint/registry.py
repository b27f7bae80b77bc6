"""The registry: every rule there is.

In:  the modules of ``lint.rules``.
Out: ``RULES`` in the order of docker's list, and ``OWN_RULES``, which docker does not have.
"""

from __future__ import annotations

from jettison.lint.own import OwnRule
from jettison.lint.rule import Rule
from jettison.lint.rules.consistent_instruction_casing import ConsistentInstructionCasing
from jettison.lint.rules.copy_ignored_file import CopyIgnoredFile
from jettison.lint.rules.duplicate_stage_name import DuplicateStageName
from jettison.lint.rules.expose_invalid_format import ExposeInvalidFormat
from jettison.lint.rules.expose_proto_casing import ExposeProtoCasing
from jettison.lint.rules.from_as_casing import FromAsCasing
from jettison.lint.rules.from_platform_flag_const_disallowed import FromPlatformFlagConstDisallowed
from jettison.lint.rules.invalid_base_image_platform import InvalidBaseImagePlatform
from jettison.lint.rules.invalid_default_arg_in_from import InvalidDefaultArgInFrom
from jettison.lint.rules.invalid_definition_description import InvalidDefinitionDescription
from jettison.lint.rules.json_args_recommended import JSONArgsRecommended
from jettison.lint.rules.legacy_key_value_format import LegacyKeyValueFormat
from jettison.lint.rules.maintainer_deprecated import MaintainerDeprecated
from jettison.lint.rules.ms101 import MS101
from jettison.lint.rules.ms102 import MS102
from jettison.lint.rules.ms103 import MS103
from jettison.lint.rules.ms104 import MS104
from jettison.lint.rules.ms105 import MS105
from jettison.lint.rules.ms106 import MS106
from jettison.lint.rules.ms107 import MS107
from jettison.lint.rules.ms109 import MS109
from jettison.lint.rules.ms110 import MS110
from jettison.lint.rules.ms111 import MS111
from jettison.lint.rules.ms209 import MS209
from jettison.lint.rules.multiple_instructions_disallowed import MultipleInstructionsDisallowed
from jettison.lint.rules.no_empty_continuation import NoEmptyContinuation
from jettison.lint.rules.redundant_target_platform import RedundantTargetPlatform
from jettison.lint.rules.reserved_stage_name import ReservedStageName
from jettison.lint.rules.secrets_used_in_arg_or_env import SecretsUsedInArgOrEnv
from jettison.lint.rules.stage_name_casing import StageNameCasing
from jettison.lint.rules.undefined_arg_in_from import UndefinedArgInFrom
from jettison.lint.rules.undefined_var import UndefinedVar
from jettison.lint.rules.workdir_relative_path import WorkdirRelativePath

RULES: tuple[Rule, ...] = (
    StageNameCasing(),
    FromAsCasing(),
    NoEmptyContinuation(),
    ConsistentInstructionCasing(),
    DuplicateStageName(),
    ReservedStageName(),
    JSONArgsRecommended(),
    MaintainerDeprecated(),
    UndefinedArgInFrom(),
    WorkdirRelativePath(),
    UndefinedVar(),
    MultipleInstructionsDisallowed(),
    LegacyKeyValueFormat(),
    InvalidBaseImagePlatform(),
    RedundantTargetPlatform(),
    SecretsUsedInArgOrEnv(),
    InvalidDefaultArgInFrom(),
    FromPlatformFlagConstDisallowed(),
    CopyIgnoredFile(),
    InvalidDefinitionDescription(),
    ExposeProtoCasing(),
    ExposeInvalidFormat(),
)

OWN_RULES: tuple[OwnRule, ...] = (
    MS101(),
    MS102(),
    MS103(),
    MS104(),
    MS105(),
    MS106(),
    MS107(),
    MS109(),
    MS110(),
    MS111(),
    MS209(),
)
