"""What generated types send: each body of patches.json, read and written again, has the members that it had."""

import json
import sys
from pathlib import Path

from descope_client import models

patches = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
for patch in patches:
    sent = getattr(models, patch["schema"]).from_dict(patch["body"]).to_dict()
    assert sent == patch["body"], f"{patch['schema']} sends {sent}"
patch = models.ThirdPartyApplicationPatchRequest(id="TPA1", name="New name")
assert patch.to_dict() == patches[0]["body"], patch.to_dict()
print(f"python: {len(patches)} bodies hold what was set, and no more")
