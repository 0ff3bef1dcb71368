#!/usr/bin/env python3
"""A second reader of Martlet databases, written from the specification in this folder alone.

    python3 format-spec/reader/martlet_reader.py DIRECTORY --keyspaces
    python3 format-spec/reader/martlet_reader.py DIRECTORY --keyspace cities
    python3 format-spec/reader/martlet_reader.py DIRECTORY --collection people
    python3 format-spec/reader/martlet_reader.py DIRECTORY --check
    python3 format-spec/reader/martlet_reader.py BACKUP --keyspace cities

Prints the names of the keyspaces, or the entries of one as `martlet scan --format tsv` does: as the
next opening of the engine would find them, closed or crashed. The records of a collection it prints
as JSON, one a line. A file is taken for a backup stream. Nothing is changed, and no lock is
taken: the database must rest. Needs the standard library of Python 3.9, and liblz4 for databases
with compressed pages.

Ends with 0; with 1 and the place of the damage on standard error; or with 2 for wrong arguments.
Nothing is printed on standard output unless all that was asked for is sound.

The sections below carry the names of the pages of the specification.
"""

import argparse
import ctypes
import ctypes.util
import json
import os
import re
import struct
import sys
import time
import uuid

BLOCK = 4096
UNIT = 512
CATALOG = 0


class Damage(Exception):
    """Bytes are not what the specification says. Names the place."""

    def __init__(self, place, what):
        super().__init__(f"{place}: {what}")


class Refusal(Exception):
    """No database, or none that this reader may read."""


# MARK: Bytes


def make_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    two = []
    for value in range(65536):
        crc = table[value & 255] ^ value >> 8
        two.append(table[crc & 255] ^ crc >> 8)
    return table, two


BYTE_TABLE, PAIR_TABLE = make_table()


def crc32c(data, before=0):
    """CRC-32C, two bytes at a time, going on from that of what stands before."""
    crc = before ^ 0xFFFFFFFF
    even = len(data) & ~1
    table = PAIR_TABLE
    for pair in struct.unpack(f"<{even // 2}H", data[:even]):
        crc = table[(crc ^ pair) & 0xFFFF] ^ crc >> 16
    for byte in data[even:]:
        crc = BYTE_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def is_zero(data):
    return not any(data)


class Cursor:
    """Reads one thing after the other; every step checks that it is there."""

    def __init__(self, data, place):
        self.data, self.place, self.offset = data, place, 0

    @property
    def is_at_end(self):
        return self.offset == len(self.data)

    def fail(self, what):
        raise Damage(f"{self.place}, byte {self.offset}", what)

    def take(self, count):
        if count > len(self.data) - self.offset:
            self.fail(f"ends before the {count} bytes that should follow")
        self.offset += count
        return self.data[self.offset - count : self.offset]

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if value >= 1 << 64:
                self.fail("a varint above 2^64")
            if byte < 128:
                if byte == 0 and shift > 0:
                    self.fail("a varint that is not in its shortest form")
                return value
            shift += 7
            if shift >= 70:
                self.fail("a varint of more than ten bytes")

    def counted(self):
        return self.take(self.varint())


def fields(data, place, known):
    """A list of tagged fields, as in the root table and the catalog. Unknown tags above 127 are
    skipped, others refused."""
    cursor, found, last = Cursor(data, place), {}, -1
    while not cursor.is_at_end:
        tag = cursor.byte()
        if tag <= last:
            cursor.fail(f"tag {tag} after {last}")
        last = tag
        content = cursor.counted()
        if tag in known:
            found[tag] = content
        elif tag < 128:
            raise Refusal(f"{place}: unknown field {tag}: a newer format")
    return found


class LZ4:
    """One function of liblz4."""

    library = None

    @classmethod
    def decode(cls, block, size, place):
        if cls.library is None:
            name = ctypes.util.find_library("lz4") or "liblz4.so.1"
            try:
                cls.library = ctypes.CDLL(name)
            except OSError as error:
                raise Refusal(f"the database has compressed pages, and liblz4 is missing: {error}")
        output = ctypes.create_string_buffer(size)
        count = cls.library.LZ4_decompress_safe(bytes(block), output, len(block), size)
        if count != size:
            raise Damage(place, f"the LZ4 block decodes to {count} bytes in the place of {size}")
        return output.raw


# MARK: Superblock


class Superblock:
    """One copy. `read` returns it, or None when the block is no copy at all."""

    NAMES = (
        "magic version page_size incompatible read_only compatible id_high id_low generation "
        "timestamp owner_count depth reserved"
    ).split()

    def __init__(self, block, place):
        for name, value in zip(self.NAMES, struct.unpack_from("<8sIIQQQQQQQHHI", block)):
            setattr(self, name, value)
        if self.version == 0:
            raise Refusal(f"{place}: format 0, which was never released")
        # Bit 0: entries may expire.
        if self.version != 1 or self.incompatible & ~1:
            raise Refusal(f"{place}: format {self.version}, features {self.incompatible:x}: newer")
        self.root = Entry(block[80:96], place + ", map root")
        self.table_place, self.table_count, self.table_checksum, more, key = struct.unpack_from(
            "<QQIIQ", block, 96
        )
        self.owner = block[160 : 160 + self.owner_count]
        for is_right, what in [
            (self.page_size in (4096, 8192, 16384, 32768, 65536), "page size"),
            (1 <= self.generation <= 2**32 - 2, "generation"),
            (self.timestamp < 2**63 - 2**32, "timestamp"),
            (self.owner_count <= 64, "ownerByteCount"),
            (self.depth <= 4, "mapDepth"),
            (self.reserved == 0 and more == 0 and key == 0, "reserved bytes"),
            (is_zero(block[128:160]) and is_zero(block[224:4092]), "reserved bytes"),
            (is_zero(block[160 + self.owner_count : 224]), "ownerState"),
            (self.root.is_absent or self.root.is_block, "mapRoot"),
            (self.table_place % 8 == 0 and self.table_count < 2**40, "root table"),
            ((self.table_place == 0) == (self.table_count == 0), "root table"),
        ]:
            if not is_right:
                raise Damage(place, f"{what} cannot be so")


def superblock_copy(block, place):
    """One copy, which has its magic."""
    if len(block) < BLOCK or struct.unpack_from("<I", block, 4092)[0] != crc32c(block[:4092]):
        raise Damage(place, "wrong checksum")
    return Superblock(block, place)


def read_superblock(file):
    """The newest valid copy of four."""
    copies, problems, has_magic = [], [], False
    for number in range(4):
        place = f"{file.name}, superblock in block {number}"
        block = file.read(number * BLOCK, BLOCK)
        if block[:8] != b"Martlet\0":
            continue
        has_magic = True
        try:
            copies.append(superblock_copy(block, place))
        except Damage as damage:
            problems.append(str(damage))
    if not has_magic:
        raise Refusal(f"{file.name}: not a database")
    if not copies:
        raise Damage(file.name, "no superblock is valid: " + "; ".join(problems))
    return max(copies, key=lambda copy: copy.generation)


# MARK: Page map


class Entry:
    """Sixteen bytes that say where something lies."""

    def __init__(self, data, place, is_placed=True):
        low, length, self.flags, self.checksum, self.birth = struct.unpack("<5sBHII", data)
        self.place = int.from_bytes(low, "little")
        self.units = length + 1
        self.is_absent = is_zero(data)
        if is_placed and not self.is_absent and self.place < 32:
            raise Damage(place, f"an entry that leads to unit {self.place}, before the first place")

    @property
    def is_block(self):
        return self.units == 8 and self.place % 8 == 0 and self.flags == 0

    def read(self, file, place):
        """The bytes there, which must be those that were written."""
        data = file.read(self.place * UNIT, self.units * UNIT)
        if len(data) < self.units * UNIT:
            raise Damage(place, f"unit {self.place} lies behind the end of the file")
        if crc32c(data) != self.checksum:
            raise Damage(place, f"wrong checksum of {self.units} units at unit {self.place}")
        return data


class Pages:
    """The page map and the images it leads to: data-file.md, page-map.md, page-image.md."""

    def __init__(self, file, superblock):
        self.file, self.superblock = file, superblock
        self.page_size = superblock.page_size
        self.entries = {}
        self.taken = []  # (first unit, unit count, what), of everything
        if superblock.table_count:
            self.taken.append(
                (superblock.table_place, -(-superblock.table_count // BLOCK) * 8, "root table")
            )
        if superblock.depth and not superblock.root.is_absent:
            self.read_block(superblock.root, superblock.depth - 1, 0)

    def read_block(self, entry, level, number):
        place = f"{self.file.name}, map block {number} of level {level}"
        self.note(entry, place)
        block = entry.read(self.file, place)
        for index in range(256):
            inner = Entry(block[16 * index : 16 * index + 16], f"{place}, entry {index}")
            if inner.is_absent:
                continue
            below = number * 256 + index
            if level > 0:
                if not inner.is_block:
                    raise Damage(f"{place}, entry {index}", "no block")
                self.read_block(inner, level - 1, below)
                continue
            if below == 0 or below >= 2**32:
                raise Damage(f"{place}, entry {index}", "there is no such page")
            if inner.flags > 1:
                raise Refusal(f"{place}, entry {index}: unknown flags {inner.flags}")
            self.note(inner, f"page {below}")
            self.entries[below] = inner

    def note(self, entry, what):
        if entry.birth > self.superblock.generation:
            raise Damage(what, f"birth {entry.birth} after generation {self.superblock.generation}")
        self.taken.append((entry.place, entry.units, what))

    def check_places(self):
        """No two things share a unit."""
        end, before = 0, ""
        for first, count, what in sorted(self.taken):
            if first < end:
                raise Damage(f"{self.file.name}, unit {first}", f"shared by {before} and {what}")
            end, before = first + count, what

    def page(self, number):
        place = f"{self.file.name}, page {number}"
        entry = self.entries.get(number)
        if entry is None:
            raise Damage(place, "no image, although something refers to it")
        image = self.image(number, entry, place)
        if entry.flags & 1:
            (count,) = struct.unpack_from("<I", image)
            if not 1 <= count <= len(image) - 4 or len(image) > self.page_size - UNIT:
                raise Damage(place, f"a compressed image of {count} bytes")
            page = LZ4.decode(image[4 : 4 + count], self.page_size, place)
        else:
            page = image
        if len(page) != self.page_size:
            raise Damage(place, f"{len(page)} bytes long")
        if struct.unpack_from("<I", page, 4)[0] != number or not is_zero(page[2:4]):
            raise Damage(place, f"it is page {struct.unpack_from('<I', page, 4)[0]}")
        return page

    def image(self, number, entry, place):
        return entry.read(self.file, place)

    def root_table(self):
        superblock = self.superblock
        place = f"{self.file.name}, root table"
        data = self.file.read(superblock.table_place * UNIT, superblock.table_count)
        if len(data) < superblock.table_count:
            raise Damage(place, "behind the end of the file")
        if crc32c(data) != superblock.table_checksum:
            raise Damage(place, "wrong checksum")
        return RootTable(data, place)


# MARK: Root table


class RootTable:
    def __init__(self, data, place):
        found = fields(data, place, {1, 2, 131, 132, 133})
        if len(found.get(1, b"")) != 4 or not found.get(2) or len(found[2]) % 8 != 0:
            raise Damage(place, "no next keyspace id, or no roots")
        (self.next_id,) = struct.unpack("<I", found[1])
        self.roots, last = {}, -1
        for keyspace, page in struct.iter_unpack("<II", found[2]):
            if keyspace <= last or page == 0 or keyspace >= self.next_id:
                raise Damage(place, f"the root of keyspace {keyspace}")
            self.roots[keyspace] = page
            last = keyspace
        if min(self.roots) != CATALOG:
            raise Damage(place, "no catalog")


# MARK: Tree node


# The moment by which the reader judges, for its whole life: nanoseconds since 1970.
NOW = time.time_ns()


def has_expired(expiry):
    """Whether an entry with this expiry is absent; 0: it does not expire."""
    return 0 < expiry <= NOW


class Node:
    """A leaf or inner node, with every rule about it alone."""

    def __init__(self, pages, number):
        page = self.page = pages.page(number)
        self.place = f"{pages.file.name}, page {number}"
        size = pages.page_size
        (
            self.kind, flags, _, _, count, prefix_count, lower_count, upper_count, heap, garbage,
            self.newest, self.word, self.level, self.skip, reserved,
        ) = struct.unpack_from("<BBHIHHHHIIQIHBB", page)  # fmt: skip
        heap_end = size - lower_count - upper_count
        self.has_upper = not flags & 1
        self.is_leaf = self.kind == 1
        self.require(self.kind in (1, 2) and flags <= 1 and reserved == 0, "no node of a tree")
        self.require(max(lower_count, upper_count) <= size // 8, "a fence is too long")
        self.require(self.has_upper or upper_count == prefix_count == 0, "its upper fence")
        self.require(40 + 8 * count <= heap <= heap_end, "heapStart")
        self.require(is_zero(page[40 + 8 * count : heap]), "bytes before the heap are not zero")
        self.require((self.level == 0) if self.is_leaf else 1 <= self.level <= 32, "its level")
        self.lower = page[heap_end : heap_end + lower_count]
        self.upper = page[heap_end + lower_count :] if self.has_upper else None
        self.prefix = self.lower[:prefix_count]
        if self.has_upper:
            self.require(len(os.path.commonprefix([self.lower, self.upper])) == prefix_count, "its prefix")
            self.require(self.lower < self.upper, "its fences")
        self.entries, extents, tombstones = [], [], 0
        for index in range(count):
            suffix_count, offset, head = struct.unpack_from("<HHI", page, 40 + 8 * index)
            header = 11 if self.is_leaf else 4
            self.require(heap <= offset and offset + header + suffix_count <= heap_end, f"slot {index}")
            suffix = page[offset + header : offset + header + suffix_count]
            self.require(head == int.from_bytes(suffix[self.skip : self.skip + 4].ljust(4, b"\0"), "big"),
                         f"the head of slot {index}")
            key = self.prefix + suffix
            self.require(len(key) <= size // 8, f"the key of slot {index} is too long")
            end = offset + header + suffix_count
            if self.is_leaf:
                timestamp, entry_flags, value_count = struct.unpack_from("<QBH", page, offset)
                value = page[end : end + value_count]
                end += value_count
                self.require(end <= heap_end and entry_flags in (0, 1, 2, 4, 6), f"entry {index}")
                self.require(not entry_flags & 4 or value_count >= 8, f"the expiry of entry {index}")
                self.require(timestamp <= self.newest, f"the timestamp of entry {index}")
                self.require(entry_flags != 1 or value_count == 0, f"the tombstone {index}")
                self.require(entry_flags & 2 or len(key) + len(value) <= size // 4, f"entry {index}")
                tombstones += entry_flags == 1
                expiry = 0
                if entry_flags & 4:
                    (expiry,) = struct.unpack("<Q", value[-8:])
                    value = value[:-8]
                    self.require(expiry != 0, f"the expiry of entry {index}")
                # Who has expired is absent; the large value is there all the same.
                self.entries.append((key, timestamp, entry_flags & 3, value, has_expired(expiry)))
            else:
                (child,) = struct.unpack_from("<I", page, offset)
                self.require(child != 0, f"child {index + 1}")
                self.entries.append((key, child))
            extents.append((offset, end))
        self.check_heap(extents, heap, heap_end, garbage)
        self.check_order(count)
        if self.is_leaf:
            self.require(self.word == tombstones and self.skip == 0, "its count of tombstones")
        else:
            self.require(self.word != 0 and self.newest == 0, "its first child")

    def check_heap(self, extents, heap, heap_end, garbage):
        end, gaps = heap, 0
        for first, last in sorted(extents) + [(heap_end, heap_end)]:
            self.require(first >= end, "entries overlap")
            self.require(is_zero(self.page[end:first]), "garbage that is not zero")
            gaps += first - end
            end = last
        self.require(gaps == garbage, f"{gaps} bytes of garbage, it says {garbage}")

    def check_order(self, count):
        keys = [entry[0] for entry in self.entries]
        self.require(all(a < b for a, b in zip(keys, keys[1:])), "keys that do not ascend")
        if keys:
            self.require(self.lower < keys[0] or self.is_leaf and self.lower == keys[0], "its first key")
            self.require(self.upper is None or keys[-1] < self.upper, "its last key")
            rest = [key[len(self.prefix) :] for key in keys]
            self.require(len(os.path.commonprefix(rest)) >= self.skip, "headSkip")

    def require(self, condition, what):
        if not condition:
            raise Damage(self.place, f"{what} cannot be so")

    def children(self):
        """Each child with its fences."""
        bounds = [self.lower] + [key for key, _ in self.entries] + [self.upper]
        ids = [self.word] + [child for _, child in self.entries]
        return list(zip(ids, bounds, bounds[1:]))


class Tree:
    """All entries below a root, in key order."""

    def __init__(self, pages, root, visit, is_dropping=False):
        self.pages, self.visit, self.is_dropping = pages, visit, is_dropping
        self.root = root

    def entries(self):
        yield from self.walk(self.root, b"", None, None)

    def walk(self, number, lower, upper, level):
        self.visit(number)
        node = Node(self.pages, number)
        is_cut = self.is_dropping and upper is None
        node.require(node.lower == lower and (node.upper == upper or is_cut), "its fences, by its parent,")
        node.require(level is None or node.level == level, "its level, by its parent,")
        if node.is_leaf:
            yield from node.entries
            return
        for child, low, high in node.children():
            yield from self.walk(child, low, high, node.level - 1)


# MARK: Overflow value


def overflow_value(pages, reference, visit, place):
    """The bytes of a large value."""
    if len(reference) != 12:
        raise Damage(place, f"a reference of {len(reference)} bytes to a large value")
    byte_count, root = struct.unpack("<QI", reference)
    if not 1 <= byte_count < 1 << 63 or root == 0:
        raise Damage(place, "a reference to a large value that cannot be")
    capacity = pages.page_size - 16
    fan_out = capacity // 4
    data_count = -(-byte_count // capacity)
    pieces = []

    def read(number, level, first):
        """Reads the pages below one, whose first data page is `first`. `level` is nil at the root,
        which may be an index page of any level."""
        visit(number)
        page = pages.page(number)
        here = f"{pages.file.name}, page {number}"
        kind, flags, count, word = page[0], page[1], *struct.unpack_from("<II", page, 8)
        if kind == 4:
            wanted = min(capacity, byte_count - first * capacity)
            if level not in (None, 0) or flags or count != wanted or word != first:
                raise Damage(here, f"it is not data page {first} with {wanted} bytes of a large value")
            if not is_zero(page[16 + count :]):
                raise Damage(here, "bytes behind the value are not zero")
            pieces.append(page[16 : 16 + count])
            return
        if kind != 3 or flags or not 1 <= word <= 4 or level not in (None, word):
            raise Damage(here, "no index page of a large value")
        span = fan_out ** (word - 1)
        needed = min(fan_out, -(-(data_count - first) // span))
        if not needed <= count <= fan_out or not is_zero(page[16 + 4 * count :]):
            raise Damage(here, f"{count} children, at least {needed} are needed")
        for index, child in enumerate(struct.unpack_from(f"<{needed}I", page, 16)):
            if child == 0:
                raise Damage(here, f"child {index} is no page")
            read(child, word - 1, first + index * span)

    read(root, None, 0)
    value = b"".join(pieces)
    if len(value) != byte_count:
        raise Damage(place, f"a large value of {len(value)} bytes in the place of {byte_count}")
    return value


# MARK: Catalog


def catalog_value(data, place):
    """Name and whether it is live."""
    found = fields(data, place, {1, 2, 3})
    if not 1 <= len(found.get(1, b"")) <= 255 or found.get(2) not in (b"\1", b"\2"):
        raise Damage(place, "no name or no state")
    if found.get(3) == b"":
        raise Damage(place, "options that are empty")
    try:
        return found[1].decode("utf-8"), found[2] == b"\1"
    except UnicodeDecodeError:
        raise Damage(place, "a name that is not UTF-8")


# MARK: Owner state


class OwnerState:
    def __init__(self, data, place):
        if len(data) < 40 or not is_zero(data[:8]):
            raise Damage(place, "an owner state of another form")
        self.applied, self.replay_from, self.clock, self.next = struct.unpack_from("<QQQQ", data, 8)
        if self.replay_from > self.applied:
            raise Damage(place, "replayFrom is above applied")


# MARK: Log batch


class Batch:
    """A batch that is sound: see log-batch.md."""

    HEADER = 72

    def __init__(self, data):
        (
            self.magic, self.flags, reserved, self.salt, self.number, self.position, self.durable,
            self.generation, self.ceiling, self.byte_count, self.record_count, self.previous,
            self.checksum,
        ) = struct.unpack_from("<4sHHQQQQQQIIII", data)  # fmt: skip
        self.is_formal = self.magic == b"MBAT" and self.flags <= 3 and reserved == 0
        self.is_opening, self.is_closing = bool(self.flags & 1), bool(self.flags & 2)
        self.stored = -(-(self.HEADER + self.byte_count) // BLOCK) * BLOCK
        self.payload = b""

    @classmethod
    def read(cls, segment, offset):
        """The sound batch at an offset of a segment, or None."""
        header = segment.file.read(offset, cls.HEADER)
        if len(header) < cls.HEADER:
            return None
        batch = cls(header)
        if not batch.is_formal or batch.salt != segment.salt:
            return None
        if batch.position % BLOCK or offset + batch.stored > segment.byte_count:
            return None
        batch.payload = segment.file.read(offset + cls.HEADER, batch.byte_count)
        if len(batch.payload) < batch.byte_count:
            return None
        if crc32c(header[:68] + batch.payload) != batch.checksum:
            return None
        return batch

    @property
    def end(self):
        return self.position + self.stored

    @property
    def records_end(self):
        return self.position + self.HEADER + self.byte_count

    def follows(self, other):
        return (
            self.number == other.number + 1
            and self.previous == other.checksum
            and self.generation >= other.generation
            and (self.position == other.end or self.is_opening and self.position > other.end)
            and (self.is_opening or not other.is_closing)
        )


# MARK: Log segment


class Segment:
    """A file of the log. `problem` says why its header does not count."""

    def __init__(self, path, number, superblock):
        self.file, self.number, self.problem = DataFile(path), number, None
        header = self.file.read(0, BLOCK)
        if len(header) < BLOCK or header[:8] != b"MARTLOG\0":
            self.problem = "no header of a log segment"
            return
        version, reserved, high, low, named, self.salt, self.byte_count, more, checksum = (
            struct.unpack_from("<IIQQQQQII", header, 8)
        )
        if crc32c(header[:60]) != checksum:
            self.problem = "the header has a wrong checksum"
        elif version != 1:
            raise Refusal(f"{path}: format {version}, which is newer")
        elif (high, low) != (superblock.id_high, superblock.id_low):
            raise Damage(path, f"belongs to another database ({high:016x}{low:016x})")
        elif named != number:
            self.problem = f"the header is that of segment {named}"
        elif self.byte_count % BLOCK or self.byte_count < 2 * BLOCK or reserved or more:
            self.problem = "the header cannot be so"
        elif self.file.size < self.byte_count:
            self.problem = f"{self.file.size} bytes long in the place of {self.byte_count}"
        elif not is_zero(header[64:]):
            self.problem = "reserved bytes of the header are not zero"

    def first(self):
        return None if self.problem else Batch.read(self, BLOCK)


class Log:
    """The chain of batches from where replay begins: log-batch.md, startup-cases.md."""

    def __init__(self, directory, superblock, owner):
        self.superblock, self.owner = superblock, owner
        self.segments = []
        for name in sorted(os.listdir(directory)):
            if re.fullmatch(r"log-[0-9a-f]{16}", name):
                self.segments.append(Segment(os.path.join(directory, name), int(name[4:], 16), superblock))
        self.segments.sort(key=lambda segment: segment.number)
        start = None
        for index, segment in enumerate(self.segments):
            first = segment.first()
            if first and first.position <= owner.replay_from:
                start = index
        if start is None:
            names = ", ".join(os.path.basename(segment.file.name) for segment in self.segments)
            raise Damage(directory, f"no log segment holds position {owner.replay_from}, or its first "
                         f"batch is damaged; there are: {names or 'none'}")
        self.needed = self.segments[start:]
        for segment in self.needed:
            if segment.problem:
                raise Damage(segment.file.name, segment.problem)
        self.batches = list(self.follow())

    def follow(self):
        """Each batch of the chain with its place. Tells a torn tail from damage at its end."""
        index, offset, last = 0, BLOCK, None
        while True:
            batch = Batch.read(self.needed[index], offset)
            if batch is None or last is not None and not batch.follows(last):
                batch = None
                for later in range(index + 1, len(self.needed)):
                    first = self.needed[later].first()
                    if first and last is not None and first.follows(last):
                        index, offset, batch = later, BLOCK, first
                        break
            segment = self.needed[index]
            place = f"{segment.file.name}, offset {offset}"
            if batch is None:
                break
            if batch.generation > self.superblock.generation:
                raise Damage(place, f"batch {batch.number} names checkpoint {batch.generation}, and the "
                             f"superblock is of {self.superblock.generation}: an old copy")
            yield batch, place
            last = batch
            offset += batch.stored
        if last is None or last.records_end < self.owner.applied:
            raise Damage(place, f"the log ends before position {self.owner.applied}, which was durable")
        self.check_tail(index, offset, last, place)

    def check_tail(self, index, offset, last, place):
        """What stands behind the end must not be later than the end."""
        for later in range(index, len(self.needed)):
            segment = self.needed[later]
            for start in range(offset if later == index else BLOCK, segment.byte_count, BLOCK):
                if segment.file.read(start, 4) != b"MBAT":
                    continue
                batch = Batch.read(segment, start)
                if batch and batch.number > last.number and batch.position > last.position:
                    raise Damage(place, f"batch {last.number + 1} is damaged, for batch {batch.number} "
                                 f"stands in {segment.file.name}, offset {start}")


# MARK: Log record


class Record:
    def __init__(self, cursor, position, place):
        self.position, self.place = position, place
        self.kind, count, self.transaction, self.timestamp, self.entry_count = struct.unpack(
            "<IIQQI", cursor.take(28)
        )
        self.payload = cursor.take(count)
        if self.kind not in (1, 2, 4, 8):
            raise Refusal(f"{place}: a record of unknown kind {self.kind}: a newer format")
        if self.kind == 2 and (self.timestamp or self.entry_count):
            raise Damage(place, "a continuation with a timestamp or entries")


def records(log):
    """All records in order, each with its position."""
    for batch, place in log.batches:
        cursor = Cursor(batch.payload, f"{place}, payload of batch {batch.number}")
        for index in range(batch.record_count):
            position = batch.position + Batch.HEADER + cursor.offset
            yield Record(cursor, position, f"{place}, record {index} of batch {batch.number}")
        if not cursor.is_at_end:
            cursor.fail("bytes behind the last record")


# MARK: Keyspace reset


def keyspace_reset(record):
    """Whether the record tells of a keyspace that is built, and not only announced."""
    if len(record.payload) < 9:
        raise Damage(record.place, "a keyspace reset that is too short")
    phase, reserved, number = record.payload[0], record.payload[1:4], record.payload[4:8]
    if phase > 1 or any(reserved) or not any(number) or (phase == 0) != (record.timestamp == 0):
        raise Damage(record.place, "no keyspace reset")
    return phase == 1


# MARK: Write batch


def write_batch(record, page_size):
    """The entries of a commit: (operation, keyspace, key, value or (ordinal, byteCount),
    has expired)."""
    cursor = Cursor(record.payload, record.place)
    count, form = struct.unpack("<IB", cursor.take(5))
    if count != record.entry_count or form != 0:
        cursor.fail("a write batch of another form")
    entries, last, ordinals = [], None, set()
    for _ in range(count):
        operation, keyspace, key = cursor.byte(), cursor.varint(), cursor.counted()
        if operation not in (1, 2, 3, 4, 5) or keyspace >= 2**32:
            cursor.fail("an operation that is none")
        expiry = 0
        if operation >= 4:
            (expiry,) = struct.unpack("<Q", cursor.take(8))
            if expiry == 0:
                cursor.fail("an expiry that is none")
            operation = 1 if operation == 4 else 3
        if last is not None and (keyspace, key) <= last:
            cursor.fail("entries that do not ascend")
        last = (keyspace, key)
        value = None
        if operation == 1:
            value = cursor.counted()
            if len(key) + len(value) + (8 if expiry else 0) > page_size // 4:
                cursor.fail("an entry that is too long")
        elif operation == 3:
            value = (cursor.varint(), cursor.varint())
            if value[0] >= 2**32 or value[0] in ordinals:
                cursor.fail("an ordinal that is wrong")
            ordinals.add(value[0])
        if len(key) > page_size // 8:
            cursor.fail("a key that is too long")
        if keyspace == CATALOG and (operation != 1 or len(key) != 4 or expiry):
            cursor.fail("a change of the catalog that is none")
        entries.append((operation, keyspace, key, value, has_expired(expiry)))
    if not cursor.is_at_end:
        cursor.fail("bytes behind the last entry")
    return entries


# MARK: Continuation


class LargeValues:
    """Large values on their way to their commits."""

    def __init__(self, applied):
        self.applied = applied
        self.values = {}  # transaction -> ordinal -> (byteCount, bytes)

    def add(self, record):
        cursor = Cursor(record.payload, record.place)
        ordinal, byte_count, offset, piece = (
            cursor.varint(), cursor.varint(), cursor.varint(), cursor.counted()
        )  # fmt: skip
        if ordinal >= 2**24 or offset + len(piece) > byte_count or not cursor.is_at_end:
            cursor.fail("a continuation that cannot be so")
        of_transaction = self.values.setdefault(record.transaction, {})
        if offset == 0:
            of_transaction[ordinal] = (byte_count, bytearray(piece))
            return
        if ordinal not in of_transaction:
            if record.position < self.applied:
                return
            cursor.fail(f"value {ordinal} of transaction {record.transaction} has no beginning")
        announced, data = of_transaction[ordinal]
        if announced != byte_count or len(data) != offset:
            cursor.fail(f"a piece at {offset} of {byte_count} bytes after {len(data)} of {announced}")
        data += piece

    def take(self, record, ordinal, byte_count):
        announced, data = self.values.get(record.transaction, {}).get(ordinal, (0, b""))
        if announced != byte_count or len(data) != byte_count:
            raise Damage(record.place, f"large value {ordinal} of {byte_count} bytes is not whole")
        return bytes(data)

    def end(self, transaction):
        self.values.pop(transaction, None)


# MARK: Backup stream


class BackupStream(Pages):
    """The pages of a checkpoint as they come in a stream."""

    MAGIC = b"MartletB"
    KINDS = {1: "start", 2: "images", 3: "root table", 4: "end"}

    def __init__(self, path):
        self.file = DataFile(path)
        self.entries, self.images, self.taken, self.table = {}, {}, [], bytearray()
        self.superblock, self.byte_count, has_ended = None, 0, False
        data = self.file.read(0, self.file.size)
        for kind, content, place in self.frames(data):
            if has_ended or (kind == "start") != (self.superblock is None):
                raise Damage(place, f"a frame of kind {kind}, out of its order")
            if kind == "start":
                self.start(content, place)
            elif kind == "images":
                self.take_images(content, place)
            elif kind == "root table":
                self.table += content
            else:
                counts = (len(self.images), self.byte_count)
                if len(content) != 16 or struct.unpack("<QQ", content) != counts:
                    raise Damage(place, f"an end that does not tell of {counts[0]} images")
                has_ended = True
        if not has_ended:
            raise Damage(path, "the backup is incomplete: it has no end")

    def frames(self, data):
        """Each frame's kind and content, with its place."""
        name = self.file.name
        if data[:8] != self.MAGIC:
            raise Refusal(f"{name}: not a backup")
        if len(data) < 16:
            raise Damage(name, "the backup is incomplete: it has no end")
        version, reserved = struct.unpack_from("<II", data, 8)
        if version != 1:
            raise Refusal(f"{name}: a backup of format {version}: newer")
        if reserved:
            raise Damage(f"{name}, byte 12", "reserved bytes")
        offset, number, checksum = 16, 0, crc32c(data[:16])
        while offset < len(data):
            place = f"{name}, frame {number} at byte {offset}"
            if len(data) - offset < 20:
                raise Damage(place, "the backup is incomplete: the frame ends early")
            count, kind, found = struct.unpack_from("<IIQ", data, offset)
            if count > 1 << 22:
                raise Damage(place, f"a content of {count} bytes")
            end = offset + 16 + count
            if len(data) < end + 4:
                raise Damage(place, "the backup is incomplete: the frame ends early")
            checksum = crc32c(data[offset:end], checksum)
            if struct.unpack_from("<I", data, end)[0] != checksum:
                raise Damage(place, "wrong checksum")
            if found != number:
                raise Damage(place, f"it is frame {found}")
            if kind not in self.KINDS:
                raise Refusal(f"{place}: a frame of unknown kind {kind}: a newer format")
            yield self.KINDS[kind], data[offset + 16 : end], place
            offset, number = end + 4, number + 1

    def start(self, content, place):
        if len(content) != BLOCK + 16 or content[:8] != b"Martlet\0" or not is_zero(content[BLOCK : BLOCK + 8]):
            raise Damage(place, "no superblock")
        self.superblock = superblock_copy(content[:BLOCK], f"{place}, superblock")
        self.page_size = self.superblock.page_size

    def take_images(self, content, place):
        cursor = Cursor(content, place)
        count, reserved = struct.unpack("<II", cursor.take(8))
        if count == 0 or reserved:
            raise Damage(place, "no images")
        heads = []
        for _ in range(count):
            (number,) = struct.unpack("<I", cursor.take(4))
            entry = Entry(cursor.take(16), place, is_placed=False)
            if number == 0 or number >= 256**self.superblock.depth:
                raise Damage(place, f"there is no page {number}")
            if entry.is_absent or number in self.entries:
                raise Damage(place, f"page {number} twice, or absent")
            if entry.flags > 1:
                raise Refusal(f"{place}, page {number}: unknown flags {entry.flags}")
            if entry.birth > self.superblock.generation:
                raise Damage(f"{place}, page {number}",
                             f"birth {entry.birth} after generation {self.superblock.generation}")
            self.entries[number] = entry
            heads.append((number, entry))
        for number, entry in heads:
            image = cursor.take(entry.units * UNIT)
            if crc32c(image) != entry.checksum:
                raise Damage(f"{place}, page {number}", "wrong checksum")
            self.images[number] = image
            self.byte_count += len(image)
        if not cursor.is_at_end:
            cursor.fail("bytes behind the last image")

    def image(self, number, entry, place):
        return self.images[number]

    def root_table(self):
        return RootTable(bytes(self.table), f"{self.file.name}, root table")


# MARK: Key tuple


class Tuples:
    """Elements of keys as values of JSON. What JSON has no form for is an object that names it."""

    @classmethod
    def elements(cls, key, place):
        cursor, found = Cursor(key, place), []
        while not cursor.is_at_end:
            found.append(cls.element(cursor))
        return found

    @classmethod
    def element(cls, cursor, is_nested=False):
        code = cursor.byte()
        if code == 0x00:
            if is_nested and cursor.byte() != 0xFF:
                cursor.fail("null without its FF")
            return None
        if code == 0x01:
            return {"bytes": cls.text(cursor).hex()}
        if code == 0x02:
            try:
                return cls.text(cursor).decode("utf-8")
            except UnicodeDecodeError:
                cursor.fail("a string that is no UTF-8")
        if code == 0x05:
            found = []
            while True:
                if cursor.data[cursor.offset : cursor.offset + 1] == b"\0" and cursor.data[
                    cursor.offset + 1 : cursor.offset + 2
                ] != b"\xff":
                    cursor.byte()
                    return found
                found.append(cls.element(cursor, is_nested=True))
        if 0x0C <= code <= 0x1C:
            return cls.integer(cursor, code - 0x14)
        if code in (0x20, 0x21):
            return cls.number(cursor, 4 if code == 0x20 else 8)
        if code in (0x26, 0x27):
            return code == 0x27
        if code == 0x30:
            return str(uuid.UUID(bytes=bytes(cursor.take(16)))).upper()
        if code == 0x40:
            return cls.descending(cursor)
        cursor.fail(f"an element of unknown code {code:02x}")

    @staticmethod
    def text(cursor):
        """Bytes in which 00 is followed by FF, up to the 00 that is not."""
        found = bytearray()
        while True:
            byte = cursor.byte()
            if byte == 0:
                if cursor.data[cursor.offset : cursor.offset + 1] != b"\xff":
                    return bytes(found)
                cursor.byte()
            found.append(byte)

    @staticmethod
    def integer(cursor, count):
        magnitude = bytes(cursor.take(abs(count)))
        if count < 0:
            magnitude = bytes(byte ^ 255 for byte in magnitude)
        if magnitude[:1] == b"\0":
            cursor.fail("an integer with a leading zero byte")
        value = int.from_bytes(magnitude, "big")
        value = -value if count < 0 else value
        if not -(2**63) <= value < 2**64:
            cursor.fail("an integer beyond 64 bits")
        return value

    @staticmethod
    def number(cursor, count):
        bits = bytearray(cursor.take(count))
        if bits[0] & 0x80:
            bits[0] ^= 0x80
        else:
            bits = bytearray(byte ^ 255 for byte in bits)
        (value,) = struct.unpack(">f" if count == 4 else ">d", bits)
        is_negative_zero = value == 0 and bits[0] & 0x80
        is_other_nan = value != value and bytes(bits) != (b"\x7f\xc0" if count == 4 else b"\x7f\xf8").ljust(count, b"\0")
        if is_negative_zero or is_other_nan:
            cursor.fail("a number in a form that is not its own")
        return of_number(value)

    @classmethod
    def descending(cls, cursor):
        """The complement of an element as within a tuple, then FF: that is, of the element and 00."""
        rest = Cursor(bytes(byte ^ 255 for byte in cursor.data[cursor.offset :]), cursor.place)
        value = cls.element(rest, is_nested=True)
        cursor.take(rest.offset)
        if cursor.byte() != 0xFF:
            cursor.fail("a descending element without its FF")
        return {"descending": value}


def of_number(value):
    """A number with a fraction; JSON has none that are infinite, and no NaN."""
    if value != value:
        return {"number": "nan"}
    if value in (float("inf"), float("-inf")):
        return {"number": "inf" if value > 0 else "-inf"}
    return value


# MARK: Record


class Records:
    """Records as values of JSON, as far as JSON has a form for them."""

    DEPTH = 128

    def __init__(self, data, place):
        self.cursor = Cursor(data, place)
        if self.cursor.byte() != 1:
            raise Refusal(f"{place}: a record of another format")
        names = Cursor(self.cursor.counted(), f"{place}, names")
        self.names = []
        while not names.is_at_end:
            self.names.append(self.utf8(names, names.counted()))

    def value(self):
        """The whole record. Its fields, or its list, extend to its end."""
        cursor, tag = self.cursor, self.cursor.byte()
        if tag == 0x0A:
            return self.fields(cursor, 1)
        if tag == 0x0B:
            return self.list(cursor, 1)
        value = self.content(cursor, tag, 1)
        if not cursor.is_at_end:
            cursor.fail("bytes behind the record")
        return value

    @staticmethod
    def utf8(cursor, data):
        try:
            return bytes(data).decode("utf-8")
        except UnicodeDecodeError:
            cursor.fail("a text that is no UTF-8")

    def fields(self, cursor, depth):
        found = {}
        while not cursor.is_at_end:
            number = cursor.varint()
            if number >= len(self.names):
                cursor.fail(f"a field without a name: {number} of {len(self.names)}")
            found[self.names[number]] = self.content(cursor, cursor.byte(), depth + 1)
        return found

    def list(self, cursor, depth):
        found = []
        while not cursor.is_at_end:
            found.append(self.content(cursor, cursor.byte(), depth + 1))
        return found

    def content(self, cursor, tag, depth):
        if depth > self.DEPTH:
            cursor.fail(f"values nested more than {self.DEPTH} deep")
        if tag in (0x00, 0x01, 0x02):
            return (None, False, True)[tag]
        if tag in (0x03, 0x04):
            form, count = ("<f", 4) if tag == 0x03 else ("<d", 8)
            return of_number(struct.unpack(form, cursor.take(count))[0])
        if tag == 0x05:
            return {"date": of_number(struct.unpack("<d", cursor.take(8))[0])}
        if tag == 0x06:
            return str(uuid.UUID(bytes=bytes(cursor.take(16)))).upper()
        if tag == 0x07:
            return self.utf8(cursor, cursor.counted())
        if tag == 0x08:
            return {"bytes": bytes(cursor.counted()).hex()}
        if tag == 0x09:
            text = self.utf8(cursor, cursor.counted())
            if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?|NaN", text, re.ASCII):
                cursor.fail(f"no decimal number: {text}")
            return {"decimal": text}
        if tag in (0x0A, 0x0B):
            inner = Cursor(cursor.counted(), cursor.place)
            return self.fields(inner, depth) if tag == 0x0A else self.list(inner, depth)
        if 0x10 <= tag <= 0x1F:
            value = int.from_bytes(cursor.take((tag & 7) + 1), "little")
            return value if tag < 0x18 else -1 - value
        if 0x20 <= tag <= 0x7F:
            return self.utf8(cursor, cursor.take(tag - 0x20))
        if tag >= 0x80:
            return tag - 0x80
        cursor.fail(f"a value of unknown tag {tag:02x}")


# MARK: Collections


def records_of(database, name):
    """The records of a collection, each an object with its id and itself."""
    live = database.live()
    where = f"{database.path}, collection {name}"
    schema = database.keyspace(live["martlet/schema"]) if "martlet/schema" in live else []
    told = None
    for key, value in schema:
        if Tuples.elements(key, f"{database.path}, martlet/schema") == ["collection", name]:
            told = fields(value, where, {1, 2, 3})
    if told is None or name not in live:
        raise Refusal(f"{database.path}: there is no collection named {name}")
    coder = told.get(1, b"").decode("utf-8", "replace")
    for key, value in database.keyspace(live[name]):
        place = f"{where}, key 0x{key.hex()}"
        elements = Tuples.elements(key, place)
        if coder == "BinaryCoder":
            record = Records(value, place).value()
        elif coder == "JSONRecordCoder":
            try:
                record = json.loads(value)
            except ValueError as error:
                raise Damage(place, f"no JSON: {error}")
        else:
            record = {"bytes": value.hex()}
        yield {"id": elements[0] if len(elements) == 1 else elements, "record": record}


# MARK: A database


class DataFile:
    """A file that is read at places."""

    def __init__(self, path):
        self.name = path
        self.descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self.descriptor).st_size

    def read(self, offset, count):
        return os.pread(self.descriptor, count, offset)


class Entries:
    """The keys of one keyspace, each with its timestamp, and how to get its value."""

    def __init__(self, name):
        self.name, self.keys = name, {}

    def set(self, key, timestamp, value):
        """`value` is bytes, None for a key that was removed, or a function that reads it."""
        if key in self.keys and self.keys[key][0] >= timestamp:
            return
        self.keys[key] = (timestamp, value)

    def __iter__(self):
        for key in sorted(self.keys):
            value = self.keys[key][1]
            if value is not None:
                yield key, value() if callable(value) else value


class Database:
    """The state that the next opening finds; that of a backup is its checkpoint, without a log."""

    def __init__(self, path):
        self.path = path
        owner = None
        if os.path.isfile(path):
            self.pages = BackupStream(path)
        else:
            file = self.find(path)
            superblock = read_superblock(file)
            owner = OwnerState(superblock.owner, f"{file.name}, owner state")
            self.pages = Pages(file, superblock)
        self.table = self.pages.root_table()
        self.reached = {}
        self.keyspaces = {}  # id -> Entries, of live ones
        self.names = {}  # id -> (name, is live), with dropping ones
        self.changes = {}  # id -> [(key, timestamp, value)]
        self.next_id = self.table.next_id
        self.read_catalog()
        if owner:
            self.log = Log(path, superblock, owner)
            self.replay(owner)

    @staticmethod
    def find(directory):
        path = os.path.join(directory, "data.martlet")
        if not os.path.isdir(directory):
            raise Refusal(f"{directory}: no directory")
        if not os.path.exists(path):
            raise Refusal(f"{directory}: no data.martlet")
        return DataFile(path)

    def read_catalog(self):
        for key, _, flags, value, _ in self.tree(CATALOG).entries():
            place = f"{self.pages.file.name}, catalog entry {key.hex()}"
            if len(key) != 4 or flags:
                raise Damage(place, "no entry of a catalog")
            number = int.from_bytes(key, "big")
            if not 0 < number < self.next_id:
                raise Damage(place, f"an id that was never given: the next is {self.next_id}")
            self.note(number, value, place)
            if self.names[number][1] and number not in self.table.roots:
                raise Damage(place, "a live keyspace without a root")
        for number in self.table.roots:
            if number != CATALOG and number not in self.names:
                raise Damage(f"{self.pages.file.name}, root table", f"keyspace {number} is not in the catalog")

    def note(self, number, value, place):
        name, is_live = catalog_value(value, place)
        live = [n for n, (other, lives) in self.names.items() if lives and other == name and n != number]
        if is_live and live:
            raise Damage(place, f"two keyspaces have the name {name}")
        self.names[number] = (name, is_live)
        return name, is_live

    def visit(self, owner):
        """Notes the pages that something refers to: a second reference is damage."""

        def note(page):
            if page in self.reached:
                raise Damage(f"{self.pages.file.name}, page {page}",
                             f"reached from {self.reached[page]} and from {owner}")
            self.reached[page] = owner

        return note

    def tree(self, number):
        is_dropping = number in self.names and not self.names[number][1]
        return Tree(self.pages, self.table.roots[number], self.visit(f"keyspace {number}"), is_dropping)

    def load(self, number):
        """The entries of the checkpoint, with large values not read yet."""
        entries = Entries(self.names[number][0])
        for key, timestamp, flags, value, is_expired in self.tree(number).entries():
            if flags == 2 and is_expired:
                place = f"{self.pages.file.name}, key 0x{key.hex()} of keyspace {number}"
                overflow_value(self.pages, value, self.visit(place), place)
                entries.set(key, timestamp, None)
            elif flags == 2:
                place = f"{self.pages.file.name}, key 0x{key.hex()} of keyspace {number}"
                visit = self.visit(place)

                def read(reference=value, place=place, visit=visit):
                    return overflow_value(self.pages, reference, visit, place)

                entries.set(key, timestamp, read)
            else:
                entries.set(key, timestamp, None if flags == 1 or is_expired else value)
        return entries

    def replay(self, owner):
        """Applies the log. Keyspaces of the checkpoint stay unread until somebody asks: their
        changes are kept, in order."""
        large, last = LargeValues(owner.applied), 0
        for record in records(self.log):
            if record.position < owner.replay_from:
                continue
            if record.kind == 2:
                large.add(record)
                continue
            # What a commit replaces is for readers of changes; so is a build, which the checkpoint has.
            if record.kind == 8 or record.kind == 4 and not keyspace_reset(record):
                continue
            if record.timestamp <= last:
                raise Damage(record.place, f"timestamp {record.timestamp} after {last}")
            last = record.timestamp
            if record.kind != 1:
                continue
            if record.position >= owner.applied:
                self.apply(record, large)
            large.end(record.transaction)

    def apply(self, record, large):
        for operation, keyspace, key, value, is_expired in write_batch(
            record, self.pages.page_size
        ):
            if operation == 3:
                value = large.take(record, *value)
            if is_expired:
                value = None
            if keyspace == CATALOG:
                number = int.from_bytes(key, "big")
                if number in (0, 2**32 - 1):
                    raise Damage(record.place, f"there is no keyspace {number}")
                self.note(number, value, record.place)
                self.next_id = max(self.next_id, number + 1)
            elif keyspace in self.names:
                if self.names[keyspace][1]:
                    self.changes.setdefault(keyspace, []).append((key, record.timestamp, value))
            else:
                raise Damage(record.place, f"there is no keyspace {keyspace}")

    def live(self):
        return {name: number for number, (name, is_live) in self.names.items() if is_live}

    def keyspace(self, number):
        """The entries of a live keyspace."""
        entries = self.load(number) if number in self.table.roots else Entries(self.names[number][0])
        for key, timestamp, value in self.changes.get(number, []):
            entries.set(key, timestamp, value)
        return entries

    def check(self):
        """Reads everything of the checkpoint: no page is lost, none has two owners."""
        self.pages.check_places()
        self.reached = {}
        for number in self.table.roots:
            if number == CATALOG:
                for _ in self.tree(CATALOG).entries():
                    pass
                continue
            for _ in self.load(number):
                pass
        for page in self.pages.entries:
            if page not in self.reached:
                raise Damage(f"{self.pages.file.name}, page {page}", "nothing refers to it")


def escaped(data):
    """A field of TSV: tab, line feed, carriage return and backslash are written with one."""
    data = data.replace(b"\\", b"\\\\").replace(b"\t", b"\\t")
    return data.replace(b"\n", b"\\n").replace(b"\r", b"\\r")


def main():
    parser = argparse.ArgumentParser(description="Read a Martlet database by its specification.")
    parser.add_argument("path", help="the directory of a database, or the file of a backup stream")
    parser.add_argument("--keyspaces", action="store_true", help="print the names of the keyspaces")
    parser.add_argument("--keyspace", metavar="NAME", action="append", default=[],
                        help="print the entries of one, as TSV; may be repeated")
    parser.add_argument("--collection", metavar="NAME", action="append", default=[],
                        help="print the records of one, as JSON; may be repeated")
    parser.add_argument("--check", action="store_true", help="read everything first")
    arguments = parser.parse_args()
    output = []
    try:
        database = Database(arguments.path)
        if arguments.check:
            database.check()
            database.reached = {}
        live = database.live()
        if arguments.keyspaces:
            output += [name.encode() + b"\n" for name in sorted(live, key=str.encode)]
        for name in arguments.keyspace:
            if name not in live:
                raise Refusal(f"{arguments.path}: there is no keyspace named {name}")
            for key, value in database.keyspace(live[name]):
                output.append(escaped(key) + b"\t" + escaped(value) + b"\n")
        for name in arguments.collection:
            for record in records_of(database, name):
                line = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
                output.append(line.encode() + b"\n")
    except (Damage, Refusal, OSError) as error:
        print(f"martlet_reader: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(b"".join(output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
