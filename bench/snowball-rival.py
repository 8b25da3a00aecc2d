# As a program would with Python's tarfile: SOURCE into the archive OUT, SHA-256 of each member in LIST.
import hashlib
import io
import os
import sys
import tarfile

source, out, listed = sys.argv[1:]
with tarfile.open(out, "w") as tar, open(listed, "w") as lines:
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            key = os.path.relpath(path, source)
            with open(path, "rb") as file:
                info = tar.gettarinfo(arcname=key, fileobj=file)
                data = file.read()
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            tar.members = []  # it would keep every header
            lines.write(f"{key}\t{info.size}\t{hashlib.sha256(data).hexdigest()}\n")
