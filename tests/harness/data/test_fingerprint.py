import hashlib
import json
import os
from pathlib import Path

from harness.data import fingerprint


def test_digest_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "1.mat"
    path.write_bytes(b"one")
    right = hashlib.sha256(b"one").hexdigest()
    assert fingerprint.sha256_of(path) == right
    known = json.loads((tmp_path / fingerprint.SIDECAR).read_text())
    known["1.mat"]["sha256"] = "remembered"
    (tmp_path / fingerprint.SIDECAR).write_text(json.dumps(known))
    assert fingerprint.sha256_of(path) == "remembered"
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 1))
    assert fingerprint.sha256_of(path) == hashlib.sha256(b"two").hexdigest()


def test_a_damaged_sidecar_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "1.mat"
    path.write_bytes(b"one")
    (tmp_path / fingerprint.SIDECAR).write_text('{"1.mat": [')
    assert fingerprint.sha256_of(path) == hashlib.sha256(b"one").hexdigest()
