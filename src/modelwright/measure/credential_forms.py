"""Tokens by the forms that their providers publish: prefix, alphabet, length. Own patterns, one a line; add yours."""

from __future__ import annotations

import re

FORMS = (
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    r"gh[pousr]_[A-Za-z0-9]{36,251}",
    r"github_pat_[A-Za-z0-9_]{60,}",
    r"gl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|soat|oas)-[A-Za-z0-9_.-]{20,}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgE[A-Za-z0-9_-]{50,}",
    r"rubygems_[0-9a-f]{48}",
    r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}",
    r"xox[abeoprs]-(?:[A-Za-z0-9]+-){1,4}[A-Za-z0-9]{10,}",
    r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",
    r"whsec_[A-Za-z0-9+/=]{24,}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"GOCSPX-[A-Za-z0-9_-]{24,}",
    r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",
    r"key-[0-9a-f]{32}(?![0-9a-f])",
    r"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])",
    r"sk-(?:proj-|svcacct-|admin-|ant-(?:api|admin|sid)\d\d-)?[A-Za-z0-9_-]{32,}",
    r"hf_[A-Za-z0-9]{30,}",
    r"api_org_[A-Za-z0-9]{30,}",
    r"r8_[A-Za-z0-9]{37}",
    r"gsk_[A-Za-z0-9]{40,}",
    r"do[opr]_v1_[0-9a-f]{64}",
    r"dapi[0-9a-f]{32}",
    r"hv[sbr]\.[A-Za-z0-9_-]{24,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,}",
    r"EAAA[A-Za-z0-9_-]{60}",
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}",
    r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}",
    r"ntn_[A-Za-z0-9]{40,}",
    r"fig[dour]_[A-Za-z0-9_-]{40,}",
    r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,}",
    r"NRAK-[A-Z0-9]{27}",
    r"NRJS-[0-9a-f]{19}",
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    r"ATATT3[A-Za-z0-9_=-]{60,}",
    r"ATCTT3[A-Za-z0-9_=-]{60,}",
    r"sntry[su]_[A-Za-z0-9+/=_]{40,}",
    r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}",
    r"PRIVATE-[A-Z0-9]{32,}",
    r"LTAI[A-Za-z0-9]{16,24}(?![A-Za-z0-9])",
    r"AKID[A-Za-z0-9]{32}",
    r"CLOJARS_[a-z0-9]{60}",
    r"oy2[a-z0-9]{43}",
    r"EZ[AT]K[A-Za-z0-9]{54}",
    r"secret_[A-Za-z0-9]{43}",
    r"sl\.[A-Za-z0-9_-]{60,}",
    r"tfp_[A-Za-z0-9_-]{40,}",
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}",
    r"bkua_[0-9a-f]{40}",
    r"CCIPAT_[A-Za-z0-9_]{40,}",
    r"fo1_[A-Za-z0-9_-]{43}",
    r"\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])",
    r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
)
"""AWS, GitHub, GitLab, package registries, Slack, Stripe, Google, SendGrid, Mailgun, Twilio, makers of language models,
clouds, shops, design and build services; at last Telegram, Discord and JSON web tokens."""
TOKENS = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(FORMS)})")
STARTS = re.compile(
    r"(?<![A-Za-z0-9_])(?:A[KSB]IA|ACCA|gh[pousr]_|github_pat|gl[a-z]{1,5}[-_]|npm_|pypi-|rubygems_|dckr_|xox|xapp-|[srp]k_"
    r"|whsec_|AIza|ya29|GOCSPX|SG\.|key-|(?:SK|AC)[0-9a-f]|sk-|hf_|api_org|r8_|gsk_|do[opr]_|dapi|hv[sbr]\.|shp|sq0|EAAA"
    r"|dp\.|lin_|ntn_|fig[dour]_|NRAK|NRJS|PMAK|AGE-|AT[AC]TT3|sntry|pscale_|PRIVATE-|LTAI|AKID|CLOJARS|oy2|EZ[AT]K|secret_"
    r"|sl\.|tfp_|bkua_|CCIPAT|fo1_|eyJ|\d{8,10}:AA|[MNO][A-Za-z0-9_-]{23,27}\.)|\.atlasv1"
)
"""How one of FORMS begins: tried first, because most words hold none."""
