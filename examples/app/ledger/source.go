package ledger

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// source is where the books are: how to open them, and what to remove after.
type source struct {
	name   string
	open   func() (*sql.DB, error)
	remove func() error
}

func parse(databaseURL string) (source, error) {
	keep := func() error { return nil }
	scheme, _, _ := strings.Cut(databaseURL, ":")
	switch scheme {
	case "":
		return temporary(), nil
	case "file":
		return source{"SQLite (" + databaseURL + ")", func() (*sql.DB, error) { return openSQLite(databaseURL, "NORMAL") }, keep}, nil
	case "postgres", "postgresql":
		config, err := pgx.ParseConfig(databaseURL)
		if err != nil {
			return source{}, fmt.Errorf("the ledger's URL: %w", err)
		}
		name := fmt.Sprintf("PostgreSQL (%s:%d/%s)", config.Host, config.Port, config.Database)
		return source{name, func() (*sql.DB, error) { return stdlib.OpenDB(*config), nil }, keep}, nil
	default:
		return source{}, fmt.Errorf("the ledger's URL begins with %.20q; want postgres://user@host/database or file:path", scheme+":")
	}
}

// temporary is an SQLite file of its own, removed in the end.
func temporary() source {
	var dir string
	return source{
		name: "SQLite (a temporary file)",
		open: func() (db *sql.DB, err error) {
			if dir, err = os.MkdirTemp("", "clad-payments-"); err != nil {
				return nil, err
			}
			file := url.URL{Scheme: "file", Opaque: filepath.Join(dir, "ledger.db")}
			return openSQLite(file.String(), "OFF") // what is removed in the end need not survive a power cut
		},
		remove: func() error { return os.RemoveAll(dir) },
	}
}

// openSQLite has writers wait for each other, and readers for nobody.
func openSQLite(fileURL, synchronous string) (*sql.DB, error) {
	u, err := url.Parse(fileURL)
	if err != nil {
		return nil, errors.New("the ledger's URL: want file:path")
	}
	q := u.Query()
	q.Add("_pragma", "busy_timeout(5000)")
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous("+synchronous+")")
	u.RawQuery = q.Encode()
	return sql.Open("sqlite", u.String())
}
