//go:build cgo

package sqltest_test

import (
	"fmt"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3"
)

func init() {
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
