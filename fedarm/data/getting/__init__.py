"""Getting a recorded dataset: from the hub or a folder, in today's format, repaired, under its version.

hub.py          the files of a repository, each compared with its digest
failures.py     what the hub answered, said so that it can be mended; and when to ask again
revisions.py    which commit a branch was, recorded once
local.py        the files of a folder
originals.py    what was got: where from, and its files without anything else
space.py        room on the disks, before the first byte
conversion.py   versions 2.0 and 2.1 to 3.0, with LeRobot's converter
version.py      all of it, in one go
"""
