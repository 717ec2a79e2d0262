package cladsql_test

import (
	"testing"

	"github.com/cladgo/clad/container/cladsql"
)

func TestIsRead(t *testing.T) {
	for _, query := range []string{
		"SELECT 1",
		"  select * from t where a in (1, 2) and b = 'it''s' order by c limit 10;",
		"(SELECT a FROM t) UNION ALL (SELECT b FROM u)",
		"SELECT count(*), max(a), coalesce(b, 0) FROM t GROUP BY c HAVING count(*) > 1",
		"SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)",
		"WITH x AS (SELECT 1) SELECT * FROM x",
		"WITH x AS MATERIALIZED (SELECT 1) SELECT * FROM x",
		"SELECT a::numeric(10, 2), b[1:2], ARRAY[1, 2] FROM t WHERE c = $1 AND d->>'e' = ?",
		"SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t",
		"SELECT `a`, \"b\", [c] FROM t WHERE d = @d AND e = :e",
		"-- what there is\nSELECT /* all */ * FROM t",
		"SELECT 'INSERT INTO t'",
		"SHOW TABLES", "VALUES (1, 2)", "TABLE t", "DESCRIBE t", "EXPLAIN SELECT 1",
		"SELECT json_extract(a, '$.b') FROM t",
		"SELECT 1.5e10, 0x1F, -1",
		"SELECT a FROM t FOR SHARE",
	} {
		if !cladsql.IsRead(query) {
			t.Errorf("not known to be a read: %s", query)
		}
	}
	for _, query := range []string{
		"", ";", "   ", "-- nothing", "(((",
		"INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "MERGE INTO t", "REPLACE INTO t VALUES (1)",
		"CREATE TABLE t (a int)", "CALL p()", "PRAGMA user_version = 1", "SET a = 1", "BEGIN", "COPY t FROM STDIN",
		"SELECT * INTO u FROM t",
		"SELECT a FROM t INTO OUTFILE 'x'",
		"SELECT 1.INTO OUTFILE 'x'", // 1. is a number to MySQL
		"SELECT a FROM t FOR UPDATE",
		"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
		"WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
		"EXPLAIN ANALYZE DELETE FROM t",
		"EXPLAIN ANALYZE EXECUTE p",
		"SELECT 1; DELETE FROM t", "SELECT 1; SELECT 2", "SELECT 1;;",
		"SELECT charge(1)", "SELECT * FROM charge(1)", "SELECT pay.count(1)", `SELECT "charge"(1)`, "SELECT `charge`(1)",
		"SELECT nextval('s')", "SELECT pg_advisory_lock(1)", "SELECT pg_sleep(1)", "SELECT charge /* x */ (1)",
		"SELECT @a := 1",
		`SELECT 'it\'s'; DELETE FROM t; SELECT 'x'`, // one string to MySQL, two to PostgreSQL
		"SELECT $$ ' $$; DELETE FROM t; SELECT $$ ' $$",
		"SELECT 1 # ' \n; DELETE FROM t # '",
		"SELECT 1 --' \n; DELETE FROM t --'",
		"SELECT /*! charge(1) */ 1", "SELECT /*M! 1 */ 1", "SELECT /* a /* b */ charge(1) */ 1", "SELECT /* ",
		"SELECT E'\\'' , charge(1), E'\\''", "SELECT [a'b], charge(1), [c'd]", "SELECT 'open", "SELECT [open",
		"SELECT 1$$ ' $$",
	} {
		if cladsql.IsRead(query) {
			t.Errorf("taken for a read: %s", query)
		}
	}
}

func FuzzIsRead(f *testing.F) {
	for _, seed := range []string{
		"SELECT 1", "SELECT 'a''b' -- c\n", "WITH x AS (SELECT 1) SELECT * FROM x", "SELECT /* a */ \"b\" FROM `c`",
		"SELECT $1, ?, :a, @b, [c]", "INSERT INTO t VALUES (1)", "SELECT \xff\xfe", "SELECT $$x$$", "SELECT é(1)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if !cladsql.IsRead(query) {
			return
		}
		// What is a read has no loose ends into which more could be slipped.
		for _, more := range []string{"\n; DELETE FROM t", "\n; DELETE FROM t -- ", "\n INTO u", "\n, charge(1)"} {
			if cladsql.IsRead(query + more) {
				t.Errorf("taken for a read: %q", query+more)
			}
		}
	})
}
