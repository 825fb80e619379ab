# SPDX-License-Identifier: MIT
"""What a power cut may leave of a directory: a model of what is durable, kept while a command runs.

Durable is the content of a file as of its last fsync(2) or fdatasync(2), the names in a directory as of the directory's, and all of
it as of the last syncfs(2). At each call that changes something, these states are told:
  strict    what is durable, and nothing else
  all       nothing is lost: all processes are killed at once
  names     all names, but of the contents only what is durable: a file that was never synced is empty
  torn      the same, with half of what was appended to a file since
  only N    what is durable, and the Nth of the changes to names that are not
  but N     all changes to names but the Nth
  first N   the first N changes to names
A rename within one directory is one change: it happens or it does not.

What is not in the model: half of a name, blocks of one file that are written in another order, a durable file system that is not
consistent itself, a disk that lies about what it has written, mmap(2), modes and times (taken as they are at the cut), and what is
outside of the directory. To the model, making a name durable does not make the content behind it durable, and the other way round,
which is stricter than most file systems are.
"""
import collections, os

Entry = collections.namedtuple("Entry", "kind number mode target")  # kind: d, f or l; number: of the inode
UNSTARTED = b""


class Model:
    def __init__(self, root):
        self.root, self.number = root, os.stat(root).st_ino
        self.contents = {}
        self.names, self.contents = self.scan()  # as they are: number -> {name: Entry}, number -> bytes
        self.durable_names = {number: dict(names) for number, names in self.names.items()}
        self.durable_contents = dict(self.contents)
        self.pending = []  # changes to names that are not durable: [(number of the directory, name, Entry or None)...]

    def scan(self):
        names, contents = {}, {}

        def visit(path, number):
            names[number] = {}
            for entry in os.scandir(path):
                status = entry.stat(follow_symlinks=False)
                if entry.is_symlink():
                    names[number][entry.name] = Entry("l", status.st_ino, 0, os.readlink(entry.path))
                elif entry.is_dir():
                    names[number][entry.name] = Entry("d", status.st_ino, status.st_mode, None)
                    visit(entry.path, status.st_ino)
                elif entry.is_file():
                    names[number][entry.name] = Entry("f", status.st_ino, status.st_mode, None)
                    with open(entry.path, "rb") as file:
                        content = file.read()
                    before = self.contents.get(status.st_ino)
                    contents[status.st_ino] = before if content == before else content  # kept once, however often it is told

        visit(self.root, self.number)
        return names, contents

    def look(self):
        """Notes what has changed since the last look."""
        names, self.contents = self.scan()
        for number in set(names) | set(self.names):
            old, new = self.names.get(number, {}), names.get(number, {})
            gone = {name: old[name] for name in old if name not in new}
            come = {name: new[name] for name in new if name not in old or new[name].number != old[name].number}
            for name, entry in come.items():
                change = [(number, name, entry)]
                before = [other for other, moved in gone.items() if moved.number == entry.number]
                change += [(number, other, None) for other in before]
                for other in before:
                    del gone[other]
                self.pending.append(change)
            self.pending += [[(number, name, None)] for name in gone if number in names]  # not what is in a tree that is gone
        self.names = names

    def sync(self, name, number):
        """A call of that name makes the inode of that number durable."""
        if name == "syncfs":
            self.durable_names = {number: dict(names) for number, names in self.names.items()}
            self.durable_contents, self.pending = dict(self.contents), []
        elif number in self.names:
            for change in self.pending:
                self.apply(self.durable_names, [part for part in change if part[0] == number])
            kept = ([part for part in change if part[0] != number] for change in self.pending)
            self.pending = [change for change in kept if change]
        elif number in self.contents:
            self.durable_contents[number] = self.contents[number]

    @staticmethod
    def apply(names, change):
        for number, name, entry in change:
            directory = names.setdefault(number, {})
            directory.pop(name, None)
            if entry:
                directory[name] = entry

    def tree(self, names, contents):
        """Returns path -> (mode, content): bytes of a file, str of a link, None of a directory."""
        found = {}

        def visit(number, inside):
            for name, entry in names.get(number, {}).items():
                content = {"d": None, "l": entry.target, "f": contents.get(entry.number, UNSTARTED)}[entry.kind]
                found[inside + name] = entry.mode & 0o7777, content
                if entry.kind == "d":
                    visit(entry.number, inside + name + "/")

        visit(self.number, "")
        return found

    def torn(self):
        contents = dict(self.durable_contents)
        for number, content in self.contents.items():
            durable = contents.get(number, UNSTARTED)
            if content.startswith(durable):
                contents[number] = content[:(len(durable) + len(content) + 1) // 2]
        return contents

    def with_changes(self, changes):
        names = {number: dict(entries) for number, entries in self.durable_names.items()}
        for change in changes:
            self.apply(names, change)
        return self.tree(names, self.durable_contents)

    def states(self):
        """Yields (what it is called, tree)."""
        yield "strict", self.with_changes([])
        yield "all", self.tree(self.names, self.contents)
        yield "names", self.tree(self.names, self.durable_contents)
        yield "torn", self.tree(self.names, self.torn())
        for position in range(len(self.pending)):
            yield "only %d" % position, self.with_changes([self.pending[position]])
            yield "but %d" % position, self.with_changes(self.pending[:position] + self.pending[position + 1:])
            yield "first %d" % position, self.with_changes(self.pending[:position])


def build(tree, root):
    """Makes the directory root hold the tree. What was downloaded in part counts as of another boot, as it would be."""
    os.mkdir(root, 0o755)
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        boot = file.read().strip()
    for path in sorted(tree):  # directories come before what is in them
        (mode, content), path = tree[path], os.path.join(root, path)
        if content is None:
            os.mkdir(path)
        elif isinstance(content, str):
            os.symlink(content, path)
        else:
            with open(path, "wb") as file:
                file.write(content.replace(boot, b"00000000-0000-0000-0000-000000000000"))
        if not isinstance(content, str):
            os.chmod(path, mode)
