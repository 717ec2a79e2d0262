//go:build cgo

package sqltest_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/mattn/go-sqlite3"
)

func init() {
	sayings["busy"] = said{sqlite3.Error{Code: sqlite3.ErrBusy}, 3, 0, 0}
	sayings["locked, in a shared cache"] = said{sqlite3.ErrLockedSharedCache, 3, 0, 0}
	sayings["constraint"] = said{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintUnique}, 1, 0, 1}
	sayings["disk I/O"] = said{sqlite3.Error{Code: sqlite3.ErrIoErr}, 1, 1, 0}
	sayings["a code alone"] = said{sqlite3.ErrFull, 1, 1, 0}

	products = append(products, product{
		name: "SQLite, mattn", driver: "sqlite3",
		dsn: func(t *testing.T) string {
			t.Helper()
			return "file:" + filepath.Join(t.TempDir(), "test.db") + "?_journal_mode=WAL"
		},
		placeholder: questionMark,
		impatient:   "PRAGMA busy_timeout = 0",
		slow:        fmt.Sprintf(slowSeries, 100_000_000),
	})
}
