package adapters

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/container/cladsql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
)

// Loopback is the beginning of the rows that ask a real server on this machine.
const Loopback = "loopback-"

// OverLoopback reports whether a row, or a case of one, asks a real server.
func OverLoopback(id string) bool { return strings.HasPrefix(id, Loopback) }

// LoopbackRows are the operations that ask real servers, in the order of the table.
func LoopbackRows() []Row {
	return []Row{
		{Loopback + "postgres", "a query of one row, PostgreSQL, pgx by database/sql"},
		{Loopback + "redis", "GET, Redis, go-redis"},
		{Loopback + "http", "GET, a server of net/http"},
		{Loopback + "grpc", "a unary call, a server of grpc-go"},
	}
}

// LoopbackCases are those of servers that are there: PostgreSQL and Redis may not be.
func LoopbackCases() []Case {
	of := func(row, form string, open func(protected bool) (*opened, error)) []Case {
		bare := bare(Loopback+row, func() (*opened, error) { return open(false) })
		return append(bare, Case{Row: Loopback + row, System: "clad", Form: form, open: func() (*opened, error) { return open(true) }})
	}
	all := append(of("http", "cladhttp", openHTTP), of("grpc", "cladgrpc", openGRPC)...)
	if listens("127.0.0.1:5432") {
		all = append(all, of("postgres", "cladsql", openPostgres)...)
	}
	if listens("127.0.0.1:6379") {
		all = append(all, of("redis", "cladredis", openRedis)...)
	}
	return all
}

func listens(address string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "tcp", address)
	return err == nil && conn.Close() == nil
}

func openPostgres(protected bool) (*opened, error) {
	dsn := "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	if other := os.Getenv("CLAD_POSTGRES"); other != "" {
		dsn = other
	}
	var db *sql.DB
	var err error
	if protected {
		_, r, failed := runner("db")
		if failed != nil {
			return nil, failed
		}
		db, err = cladsql.Open("pgx", dsn, r)
	} else {
		db, err = sql.Open("pgx", dsn)
	}
	if err != nil {
		return nil, err
	}
	return &opened{call: func(ctx context.Context) error {
		var n int
		return db.QueryRowContext(ctx, "SELECT $1::int", 1).Scan(&n)
	}, close: db.Close}, nil
}

func openRedis(protected bool) (made *opened, err error) {
	get := func(r *redis.Client) *opened {
		return &opened{call: func(ctx context.Context) error {
			if err := r.Get(ctx, "clad:bench:none").Err(); !errors.Is(err, redis.Nil) {
				return errors.Join(err, errors.New("a key that was not to be there"))
			}
			return nil
		}, close: r.Close}
	}
	dial := func() *redis.Client { return redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", MaxRetries: -1}) }
	if !protected {
		return get(dial()), nil
	}
	c, err := tagged(dial)
	if err != nil {
		return nil, err
	}
	return made, c.Invoke(func(r *redis.Client) { made = get(r) })
}

func openHTTP(protected bool) (*opened, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })} //nolint:gosec // of this process alone
	go func() { _ = s.Serve(l) }()
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	if protected {
		_, r, err := runner("http")
		if err != nil {
			return nil, err
		}
		client.Transport = cladhttp.New(transport, r)
	}
	made := getting("http://"+l.Addr().String(), client.Do)
	made.close = func() error {
		transport.CloseIdleConnections()
		return s.Close()
	}
	return made, nil
}

func openGRPC(protected bool) (*opened, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if !protected {
		return dialled(l, l.Addr().String())
	}
	_, r, err := runner("grpc")
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return dialled(l, l.Addr().String(), grpc.WithUnaryInterceptor(cladgrpc.UnaryClient(r)))
}
