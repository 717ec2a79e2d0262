#!/usr/bin/env bash
# MariaDB 10.11 (and MySQL, which documents the same of InnoDB) with
# github.com/go-sql-driver/mysql v1.10.1: a deadlock undoes the transaction of its
# victim, and ends it on the server. database/sql does not know: the *sql.Tx goes on,
# each further statement is carried out by itself and seen by all at once, and Commit
# returns nil. PostgreSQL refuses further statements of such a transaction.
#
# Expected, where code repeats the statement that failed with error 1213 and goes on:
# an error, at the latest from Commit. Seen: none; the first statement of the
# transaction is lost, and the repeated one visible to others before the commit.
#
# Needs a MariaDB on 127.0.0.1:3306 whose root has no password, with a database test.
# Exits 0 while this is so, and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
)

func main() {
	db, err := sql.Open("mysql", "root@tcp(127.0.0.1:3306)/test")
	check(err)
	defer db.Close()
	exec := func(do interface {
		Exec(string, ...any) (sql.Result, error)
	}, query string) {
		_, err := do.Exec(query)
		check(err)
	}
	exec(db, "DROP TABLE IF EXISTS finding_stock")
	exec(db, "CREATE TABLE finding_stock (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")
	defer db.Exec("DROP TABLE finding_stock")
	exec(db, "INSERT INTO finding_stock VALUES (1, 0), (2, 0), (3, 0)")

	other, err := db.Begin()
	check(err)
	tx, err := db.Begin()
	check(err)
	exec(tx, "UPDATE finding_stock SET n = n + 1 WHERE id = 1")
	// It has changed more, so the server makes the transaction above its victim.
	exec(other, "UPDATE finding_stock SET n = n + 100 WHERE id = 2")
	exec(other, "UPDATE finding_stock SET n = n + 100 WHERE id = 3")
	done := make(chan error, 1)
	go func() {
		_, err := other.Exec("UPDATE finding_stock SET n = n + 100 WHERE id = 1")
		done <- err
	}()
	time.Sleep(time.Second) // until it waits for the lock
	_, err = tx.Exec("UPDATE finding_stock SET n = n + 1 WHERE id = 2")
	var failed *mysql.MySQLError
	fmt.Println("deadlock:", errors.As(err, &failed) && failed.Number == 1213)
	check(<-done)
	check(other.Rollback())

	exec(tx, "UPDATE finding_stock SET n = n + 1 WHERE id = 2")
	read := func(id int) (n int) {
		check(db.QueryRow("SELECT n FROM finding_stock WHERE id = ?", id).Scan(&n))
		return n
	}
	fmt.Println("before the commit:", read(1), read(2))
	fmt.Println("commit:", tx.Commit())
	fmt.Println("after the commit:", read(1), read(2))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
GO
cat > go.mod <<'MOD'
module finding

go 1.24.0

require github.com/go-sql-driver/mysql v1.10.1
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = "deadlock: true
before the commit: 0 1
commit: <nil>
after the commit: 0 1" ]
