package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/container/verdict"
)

// cached is an application whose cache is a client that sends things again by itself,
// behind a function of its own, and whose store is database/sql.
var cached = map[string]string{
	"redis/go.mod": "module github.com/redis/go-redis/v9\n\ngo 1.25\n",
	"redis/redis.go": `package redis

import "context"

type Options struct{ MaxRetries int }

type Client struct{}

func NewClient(*Options) *Client { return &Client{} }

type StringCmd struct{}

func (*StringCmd) Result() (string, error) { return "", nil }

func (*Client) Get(context.Context, string) *StringCmd { return &StringCmd{} }
`,
	"main.go": `package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

type Cache interface {
	Get(ctx context.Context, key string) (string, error)
	Ping(ctx context.Context) error
}

type cache struct{ client *redis.Client }

func (c *cache) Get(ctx context.Context, key string) (string, error) { return c.read(ctx, key) }

func (c *cache) read(ctx context.Context, key string) (string, error) {
	return c.client.Get(ctx, key).Result()
}

func (c *cache) Ping(context.Context) error { return nil }

func NewCache() Cache { return build() }

func build() *cache { return &cache{redis.NewClient(&redis.Options{})} }

type Store interface {
	Find(ctx context.Context, id int) (string, error)
}

type store struct{ db *sql.DB }

func (s store) Find(ctx context.Context, id int) (name string, err error) {
	err = s.db.QueryRowContext(ctx, "select name from names where id = ?", id).Scan(&name)
	return name, err
}

func NewStore(db *sql.DB) Store { return store{db} }

var ErrClosed = errors.New("closed")

func judge(error) policy.Verdict { return policy.Unknown }

var (
	_ = container.Tag(NewCache, "cache", container.Answers(ErrClosed), container.Judge(judge))
	_ = container.Tag(NewStore, "store")
)

func main() {}
`,
	"configs/production.yaml": `policies:
  cache: {retry: 3, attempt_timeout: 1s}
  store: {timeout: 1s, errors: {answers: [sql.ErrTxDone]}}
`,
}

func application(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	module(t, dir)
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	requires := "\nrequire github.com/redis/go-redis/v9 v9.0.0\n\nreplace github.com/redis/go-redis/v9 => ./redis\n"
	if _, ok := files["gocql/go.mod"]; ok {
		requires += "\nrequire github.com/gocql/gocql v1.0.0\n\nreplace github.com/gocql/gocql => ./gocql\n"
	}
	write("go.mod", string(mod)+requires)
	for name, text := range files {
		write(name, text)
	}
	t.Chdir(dir)
}

func TestWhoseErrorsServicesReturn(t *testing.T) {
	application(t, cached)
	_, out, problem := clad(t, "check", "-color", "never", "./...", "configs")
	for _, want := range []string{
		"main.go:50:6: note: Get of main.Cache: clad knows the errors of go-redis: redis.Nil, redis.TxFailedErr are answers",
		"main.go:50:6: warning: main.Cache: go-redis by itself sends a command up to 4 times, INCR too, in each of the 3 attempts of the policy cache: set MaxRetries: -1",
		"main.go:51:6: note: main.Store: clad knows the errors of database/sql: sql.ErrNoRows,",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("not there, or not once: %s", want)
		}
	}
	if strings.Contains(out, "main.Store: database/sql by itself") || t.Failed() {
		t.Errorf("%s%s", out, problem)
	}

	_, out, problem = clad(t, "explain", "-color", "never", "-profile", "production", "./...")
	for _, want := range []string{
		"answers: what judge says (container.Judge)",
		"answers: ErrClosed (container.Answers)",
		"answers of Get: redis.Nil, redis.TxFailedErr (what clad knows of go-redis)",
		"answers: sql.ErrTxDone (the policy store)",
		"answers: sql.ErrNoRows, pg.UniqueViolation, mysql.ER_DUP_ENTRY, sqlite.SQLITE_CONSTRAINT (what clad knows of database/sql)",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("not there, or not once: %s", want)
		}
	}
	if t.Failed() {
		t.Errorf("%s%s", out, problem)
	}
	_, out, _ = clad(t, "explain", "-profile", "production", "main.Cache.Ping", "./...")
	if !strings.Contains(out, "ErrClosed") || strings.Contains(out, "redis.Nil") {
		t.Errorf("of a method that comes to no client:\n%s", out)
	}
}

func TestWhatServicesFallBackOn(t *testing.T) {
	files := map[string]string{}
	for name, text := range cached {
		files[name] = strings.Replace(text, `container.Tag(NewStore, "store")`,
			`container.Tag(NewStore, "store", container.Fallback(NewSpare, container.FallbackPolicy("cach")), container.FallbackMethod("Find", find))`, 1)
		files[name] = strings.Replace(files[name], "func main() {}", `func NewSpare() store { return store{} }

func find(context.Context, int) (string, error) { return "", nil }

func main() {}`, 1)
	}
	files["configs/production.yaml"] += "services:\n  main.Store: {critical: true}\n  main.Store[fallback]: {methods: {Find: cache}}\n"
	application(t, files)
	_, out, problem := clad(t, "explain", "-color", "never", "-profile", "production", "./...")
	for _, want := range []string{"  falls back on NewSpare", "  Find falls back on find", "service main.Store[fallback]"} {
		if strings.Count(out, want) != 1 {
			t.Errorf("not there, or not once: %s", want)
		}
	}
	_, out2, _ := clad(t, "check", "-color", "never", "./...", "configs")
	if !strings.Contains(out2, `cach`) || !strings.Contains(out2, "did you mean") || !strings.Contains(out2, ": 1 mistake,") {
		t.Errorf("want only the policy's name to be wrong:\n%s", out2)
	}
	if t.Failed() {
		t.Errorf("%s%s", out, problem)
	}
}

// An answer that nothing but "not found" tells is for the application to name.
func TestAnswersThatOnlyTheApplicationCanName(t *testing.T) {
	files := map[string]string{
		"gocql/go.mod":   "module github.com/gocql/gocql\n\ngo 1.25\n",
		"gocql/gocql.go": "package gocql\n\ntype Session struct{}\n\nfunc (*Session) Query(string) error { return nil }\n",
	}
	for name, text := range cached {
		files[name] = strings.Replace(text, `"github.com/redis/go-redis/v9"
)`, `"github.com/gocql/gocql"
	"github.com/redis/go-redis/v9"
)`, 1)
		files[name] = strings.Replace(files[name], "func (c *cache) Ping(context.Context) error { return nil }",
			"func (c *cache) Ping(context.Context) error { return new(gocql.Session).Query(\"\") }", 1)
	}
	application(t, files)
	_, out, problem := clad(t, "check", "-color", "never", "./...", "configs")
	if !strings.Contains(out, "errors: in a policy add others, as gocql.ErrNotFound, which nothing but a text that may be anybody's would tell") ||
		strings.Count(out, "may be anybody's") != 1 {
		t.Errorf("%s%s", out, problem)
	}
}

// Whoever has said how often the client tries is not told again.
func TestSettledAttemptsAreNotWarnedOf(t *testing.T) {
	settled := map[string]string{}
	for name, text := range cached {
		settled[name] = strings.Replace(text, "&redis.Options{}", "&redis.Options{MaxRetries: -1}", 1)
	}
	application(t, settled)
	_, out, _ := clad(t, "check", "-color", "never", "./...", "configs")
	if !strings.Contains(out, "clad knows the errors of go-redis") || strings.Contains(out, "by itself") {
		t.Error(out)
	}
}

// Clients that an adapter wraps are no mistake to the generator, and services to
// profiles.
func TestClientsThatAnAdapterWraps(t *testing.T) {
	tagged := map[string]string{"configs/production.yaml": "policies: {cache: {retry: 3}}\nservices: {redis.Client: {methods: {GET: cache}}}\n"}
	for name, text := range cached {
		if name == "main.go" {
			text = strings.Replace(text, "container.Tag(NewCache,", `container.Tag(func() *redis.Client { return nil }, "cache"), container.Tag(NewCache,`, 1)
			text = strings.Replace(text, "_ = container.Tag(func()", "_, _ = container.Tag(func()", 1)
			text = strings.Replace(text, `"store")`, `"cache")`, 1)
		}
		if name != "configs/production.yaml" {
			tagged[name] = text
		}
	}
	application(t, tagged)
	code, out, problem := clad(t, "gen", "./...")
	if code != ok || !strings.Contains(problem, "what wraps *redis.Client is package github.com/cladgo/clad/container/cladredis: import it here") {
		t.Errorf("%d, %q, %q", code, out, problem)
	}
	if code, out, problem = clad(t, "check", "-color", "never", "./...", "configs"); code != ok || strings.Contains(out, "services.redis.Client") {
		t.Errorf("%d, %q, %q", code, out, problem)
	}
}

// What is printed as an answer goes by a name that profiles may use.
func TestAnswersGoByNamesThatProfilesMayUse(t *testing.T) {
	known := verdict.Names()
	for _, c := range usage.Clients() {
		for _, name := range append(slices.Clone(c.Answers), c.Unsaid...) {
			if !slices.Contains(known, name) {
				t.Errorf("%s: no profile may name %s", c.Name, name)
			}
		}
	}
}
