# SPDX-License-Identifier: Apache-2.0
"""The decoders in PL/pgSQL and in C against the vectors that C++ wrote; C against garbage."""
import os
import random
import re
import shutil
import subprocess
import time

import harness

VECTORS = os.path.join(harness.ROOT, "tests/fixtures/chunks/vectors.txt")
EXTENSION = os.path.join(harness.ROOT, "server/postgres/extension")
STALE = "7ff0000000000002"
NAN = "7ff8000000000000"


def vectors():
    """[(kind, min_time, hex, [sample, ...])]; samples are tuples as SQL gives them."""
    out = []
    with open(VECTORS, encoding="ascii") as f:
        for line in f:
            words = line.split()
            if line.startswith("#") or not words:
                continue
            at = 3 if words[0] == "chunk" else 2
            samples = [tuple(w.split(":")) for w in words[at:]]
            out.append((words[0], words[1] if at == 3 else None, words[at - 1], samples))
    return out


def is_nan(bits):
    return int(bits, 16) & 0x7FFFFFFFFFFFFFFF > 0x7FF0000000000000


def as_sql(samples):
    """SQL leaves staleness markers out and has one NaN."""
    return [(*s[:-1], NAN if is_nan(s[-1]) else s[-1]) for s in samples if s[-1] != STALE]


def crc32c(data, table=[]):
    if not table:
        for c in range(256):
            for _ in range(8):
                c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
            table.append(c)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


class Decoders(harness.Case):
    @classmethod
    def setUpClass(cls):
        # One server and one build of the extension for all.
        cls.case = harness.Case("setUp")
        cls.case.setUp()
        cls.srv = cls.case.server()
        cls.build = os.path.join(cls.case.directory, "extension")
        shutil.copytree(EXTENSION, cls.build)
        cls.make = subprocess.run(["make", "-C", cls.build, "PG_CFLAGS=-std=c99 -Wall -Werror "
                                   "-Wno-declaration-after-statement -ffp-contract=off"],
                                  capture_output=True, text=True, check=False)
        if cls.make.returncode:
            return
        # What CREATE EXTENSION does, without an installation as root.
        cls.srv.psql("CREATE SCHEMA vigil_decode; " + cls.script("1.0") + cls.script("1.0--1.1"))

    @classmethod
    def tearDownClass(cls):
        cls.case.doCleanups()

    @classmethod
    def script(cls, version):
        with open(os.path.join(cls.build, f"vigil_decode--{version}.sql"), encoding="ascii") as f:
            return f.read().replace("MODULE_PATHNAME", os.path.join(cls.build, "vigil_decode.so"))

    def setUp(self):
        if self.make.returncode:
            self.fail("the extension does not build (postgresql-server-dev-15 is needed):\n"
                      + self.make.stdout + self.make.stderr)
        self.programs = []

    def decode(self, schema, all_vectors):
        """What SQL makes of each vector."""
        selects = []
        for number, (kind, min_time, data, samples) in enumerate(all_vectors):
            if kind == "chunk":
                call = f"{schema}.decode_chunk({min_time}, '\\x{data}')"
                columns = "t::text"
            else:
                ids = ",".join(str(i) for i in sorted({int(s[0]) for s in samples}))
                call = (f"{schema}.decode_page('\\x{data}', ARRAY[{ids}]::int8[], "
                        "-9223372036854775807, 9223372036854775807)")
                columns = "series_id || ':' || t"
            selects.append(f"SELECT {number}, {columns}, encode(float8send(v), 'hex') FROM {call}")
        decoded = [[] for _ in all_vectors]
        for number, place, bits in self.srv.psql(" UNION ALL ".join(selects)):
            decoded[int(number)].append((*place.split(":"), bits))
        return decoded

    def check(self, schema):
        all_vectors = vectors()
        for vector, decoded in zip(all_vectors, self.decode(schema, all_vectors)):
            self.assertEqual(decoded, as_sql(vector[3]), vector[:3])
        self.assertGreater(len({v[2][8:10] for v in all_vectors if v[0] == "chunk"}), 7)

    def test_pl_pgsql_gives_the_same_bits(self):
        self.check("vigil")

    def test_c_gives_the_same_bits(self):
        self.check("vigil_decode")
        chunks = [v for v in vectors() if v[0] == "chunk"]
        rows = self.srv.psql(" UNION ALL ".join(
            f"SELECT {i}, t, encode(float8send(v), 'hex') FROM vigil_decode.chunk_columns("
            f"{v[1]}, '\\x{v[2]}') c, unnest(c.times, c.vals) AS u (t, v)"
            for i, v in enumerate(chunks)))
        self.assertEqual([tuple(r) for r in rows],
                         [(str(i), *s) for i, v in enumerate(chunks) for s in as_sql(v[3])])

    def test_c_gives_the_same_rows_wherever_it_is_called(self):
        """In FROM a scan node of the extension's own makes the rows, elsewhere the function does."""
        chunks = [v for v in vectors() if v[0] == "chunk"]
        want = [(str(i), *s) for i, v in enumerate(chunks) for s in as_sql(v[3])]
        data = "(VALUES " + ",".join(
            f"({i}, {v[1]}::int8, '\\x{v[2]}'::bytea)" for i, v in enumerate(chunks)) + ") c (i, b, d)"
        bits = "encode(float8send({}), 'hex')"
        call = "vigil_decode.decode_chunk(c.b, c.d)"
        for columns, source, node in (
                ("i, t, " + bits.format("v"), f"{data}, {call}", True),
                ("i, t, " + bits.format("v"), f"{data}, {call} WHERE t > -9e18 AND v IS NOT NULL", True),
                ("i, x.t, " + bits.format("x.v"), f"{data} LEFT JOIN LATERAL (SELECT v, t FROM {call} "
                 "OFFSET 0) x ON true WHERE x.t IS NOT NULL", True),
                ("i, t, " + bits.format("v"), f"{data}, {call} WITH ORDINALITY", False),
                ("i, (x).t, " + bits.format("(x).v"),
                 f"(SELECT i, x FROM {data}, {call} x OFFSET 0) y", False),
                ("i, (x).t, " + bits.format("(x).v"), f"(SELECT i, {call} AS x FROM {data}) y", False)):
            sql = f"SELECT {columns} FROM {source}"
            self.assertEqual([tuple(r) for r in self.srv.psql(sql)], want, source[-60:])
            plan = "\n".join(r[0] for r in self.srv.psql("EXPLAIN " + sql))
            self.assertEqual("VigilDecode" in plan, node, plan)
        self.assertEqual(self.srv.psql(
            "SELECT count(*) FROM (VALUES (1), (NULL)) b (b), "
            f"vigil_decode.decode_chunk(b, '\\x{chunks[0][2]}')"), [[str(len(as_sql(chunks[0][3])))]])
        # One after the other out of the same plan, and twice in one query.
        self.assertEqual(self.srv.psql(
            f"SELECT count(*) FROM {data}, {call} x, {call} y WHERE x.t = y.t"), [[str(len(want))]])

    def test_c_takes_the_place_of_pl_pgsql_and_gives_it_back(self):
        language = ("SELECT string_agg(l.lanname, ',' ORDER BY p.proname) FROM pg_proc p "
                    "JOIN pg_language l ON l.oid = p.prolang "
                    "WHERE p.oid IN ('vigil.decode_chunk'::regproc, 'vigil.decode_page'::regproc, "
                    "'vigil.crc32c'::regproc)")
        now = int(time.time() * 1000)
        self.assertEqual(self.srv.remote_write([
            ({"__name__": "swap", "i": str(i)}, [(now - 1000, 1.5), (now, float("nan"))])
            for i in range(50)]).status, 204)
        count = "SELECT count(*), sum(value) FILTER (WHERE value < 'NaN') FROM vigil.samples('swap')"
        before = self.srv.psql(count)
        self.assertEqual(before, [["100", "75"]])
        self.srv.psql("SELECT vigil_decode.enable()")
        self.srv.psql("SELECT vigil_decode.enable()")
        self.assertEqual(self.srv.psql(language), [["c,c,c"]])
        self.assertEqual(self.srv.psql(count), before)
        self.assertEqual(self.srv.psql("SELECT count(*) FROM vigil.broken_page"), [["0"]])
        self.srv.psql("SELECT vigil_decode.disable()")
        self.assertEqual(self.srv.psql(language), [["plpgsql,plpgsql,plpgsql"]])
        self.assertEqual(self.srv.psql(count), before)

    def test_an_update_of_the_server_and_of_the_extension(self):
        """The migration to digits takes C functions out; those of 1.0 are replaced by 1.1."""
        with open(os.path.join(harness.ROOT, "server/postgres/migrations/0016_digits.sql"),
                  encoding="ascii") as f:
            migration = f.read()
        migration = migration[migration.index("DO $$"):]
        state = ("SELECT string_agg(p.proname || ' ' || l.lanname, ',' ORDER BY p.proname) FROM "
                 "pg_proc p JOIN pg_language l ON l.oid = p.prolang "
                 "WHERE p.pronamespace = 'vigil'::regnamespace "
                 "AND p.proname ~ '^(decode_chunk|decode_page|crc32c)(_plain)?$'")
        symbol = "SELECT prosrc FROM pg_proc WHERE oid = 'vigil.decode_chunk'::regproc"
        plain = [["crc32c plpgsql,decode_chunk plpgsql,decode_page plpgsql"]]
        both = [["crc32c c,crc32c_plain plpgsql,decode_chunk c,decode_chunk_plain plpgsql,"
                 "decode_page c,decode_page_plain plpgsql"]]
        self.assertEqual(self.srv.psql(state), plain)
        self.srv.psql(migration)  # nothing to do
        self.assertEqual(self.srv.psql(state), plain)
        old = (re.sub(r"(?s).*?(?=CREATE FUNCTION vigil_decode.enable)", "", self.script("1.0"), 1)
               .replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
        self.addCleanup(self.srv.psql, self.script("1.0--1.1") + "SELECT vigil_decode.disable();")
        self.srv.psql(old + "SELECT vigil_decode.enable();")
        self.assertEqual(self.srv.psql(symbol), [["vigil_decode_chunk"]])
        # Something of the user's that depends on it: nothing changes, and the server starts.
        self.srv.psql("CREATE VIEW dependent AS SELECT * FROM vigil.decode_chunk(0, NULL)")
        self.srv.psql(migration)
        self.assertEqual(self.srv.psql(state), both)
        self.srv.psql("DROP VIEW dependent")
        # Functions of another role's.
        self.srv.psql("CREATE ROLE stranger; GRANT ALL ON SCHEMA vigil TO stranger; "
                      "SET ROLE stranger; " + migration)
        self.assertEqual(self.srv.psql(state), both)
        # 1.1 takes their place; 1.0 taken out by the migration and 1.1 enabled comes to the same.
        self.srv.psql(self.script("1.0--1.1") + "SELECT vigil_decode.enable();")
        self.assertEqual(self.srv.psql(symbol), [["vigil_decode_chunk_2"]])
        self.assertEqual(self.srv.psql(state), both)
        self.srv.psql(migration)
        self.assertEqual(self.srv.psql(state), plain)
        self.check("vigil")
        self.srv.psql("SELECT vigil_decode.enable()")
        self.assertEqual(self.srv.psql(symbol), [["vigil_decode_chunk_2"]])
        self.assertEqual(self.srv.psql(state), both)
        self.check("vigil")
        self.srv.psql("SELECT vigil_decode.disable()")
        self.assertEqual(self.srv.psql(state), plain)

    def test_garbage_is_a_warning_not_a_crash(self):
        random.seed(5)
        postmaster = self.srv.postmaster_pid()
        good = [(kind, bytearray.fromhex(data)) for kind, _, data, _ in vectors()]
        calls = []
        for i in range(4000):
            kind, data = random.choice(good)
            data = bytearray(data)
            for _ in range(random.randint(1, 4)):
                way = random.random()
                at = random.randrange(len(data))
                if way < 0.6:
                    data[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
                elif way < 0.8:
                    del data[at:at + random.randint(1, 9)]
                else:
                    data[at:at] = random.randbytes(random.randint(1, 9))
                if not data:
                    data = bytearray(1)
            head = 4 if kind == "chunk" else 5
            if i % 10 and len(data) > head:  # most with a right checksum, to get in deep
                data[head - 4:head] = crc32c(data[head:]).to_bytes(4, "little")
            if kind == "chunk":
                calls.append(f"SELECT count(*) FROM vigil_decode.decode_chunk(0, '\\x{data.hex()}')")
            else:
                calls.append(f"SELECT count(*) FROM vigil_decode.decode_page('\\x{data.hex()}', "
                             "ARRAY[1,2,3,30,9223372036854775807]::int8[], 0, 9e18::int8)")
        command = re.findall(r'psql -h [^"\n]*', self.srv.program.log())[-1].split()
        run = subprocess.run([*command, "-X", "-A", "-t"], input=";\n".join(calls) + ";\n",
                             capture_output=True, text=True, check=True)
        self.assertEqual(len(run.stdout.split()), len(calls), run.stderr[-500:])
        self.assertIn("cannot be decoded", run.stderr)
        self.assertNotIn("ERROR", run.stderr)
        self.assertEqual(self.srv.postmaster_pid(), postmaster)
        self.assertNotIn("terminated by signal", self.srv.program.log())

    def test_c_is_many_times_faster(self):
        longest = max((v for v in vectors() if v[0] == "chunk"), key=lambda v: len(v[2]))
        times = []
        for schema, call, rounds in (("vigil", "decode_chunk", 500),
                                     ("vigil_decode", "chunk_columns", 20000),
                                     ("vigil_decode", "decode_chunk", 20000)):
            sql = (f"DO $$ BEGIN PERFORM count(*) FROM (SELECT '\\x{longest[2]}'::bytea AS data, i "
                   f"FROM generate_series(1, {rounds}) i OFFSET 0) x, "
                   f"{schema}.{call}({longest[1]}, data); END $$; SELECT 1")
            begin = time.monotonic()
            self.srv.psql(sql)
            times.append((time.monotonic() - begin) / rounds)
        print(f"PL/pgSQL {times[0] * 1e6:.1f} us, C {times[1] * 1e6:.2f} us as arrays, "
              f"{times[2] * 1e6:.2f} us as rows per chunk of {len(longest[3])} samples")
        self.assertGreater(times[0] / times[1], 10)
        self.assertGreater(times[0] / times[2], 10)


if __name__ == "__main__":
    harness.main()
