// Package nasty collects interfaces of every shape that Go has.
package nasty

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	. "time"
	"unsafe"

	"go.uber.org/fx/fxevent"

	renamed "github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty/other"
	_ "github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty/other/alias"
	"github.com/cladgo/clad/container"
)

// Plain has a method of each way to be guarded.
type Plain interface {
	// Full is guarded.
	//
	// It has an example:
	//
	//	p.Full(ctx, 1)
	Full(ctx context.Context, n int) (string, error)

	/*
		NoContext has a comment of the other kind.
	*/
	NoContext(n int) (int, error)

	NoError(ctx context.Context) int // beside it

	NoResult(ctx context.Context)
	ErrorNotLast(ctx context.Context) (error, int)
	NamedError(ctx context.Context) *MyError

	// Once is not safe to repeat.
	//
	//clad:once
	Once(ctx context.Context) error
	OnceWithoutContext() error //clad:once

	//clad:skip
	Skip(ctx context.Context) (int, error)

	Close() error
	Stop(ctx context.Context) error
	Shutdown()
}

type MyInt int

type MyError struct{}

func (*MyError) Error() string { return "mine" }

// Names has the names that generated code uses itself.
type Names interface {
	Same(ctx, err, call, p, next string) (m string, nil error)
	Imports(context context.Context, container, io, http string) (unsafe string, err error)
	Blank(_ context.Context, _ string, _ int) (_ int, _ error)
	Unnamed(context.Context, string, *http.Request, ...int) (int, string, error)
	Types(string string, error error, int int) (bool bool, any error)
	Results(result int) (int, error)
	Keywords(type_, func_ int) (range_ int, err error)
	Greek(ctx context.Context, α, Ω int) (β int, err error)
}

// Fields has methods that are named like fields of a proxy.
type Fields interface {
	Next(ctx context.Context) error
	next(ctx context.Context) error
	Type(ctx context.Context) error
	Charge(ctx context.Context) error
	charge(ctx context.Context) error
	HTTPGet(ctx context.Context) error
	HttpGet(ctx context.Context) error
	URL() string
	ID(ctx context.Context) (string, error)
	Ärger(ctx context.Context) error
}

// Embedded overlaps: Close comes three times.
type Embedded interface {
	renamed.Base
	renamed.Closer
	io.Closer //clad:skip
	fmt.Stringer
	fxevent.Logger
	interface {
		Literal(ctx context.Context) error
	}
	Near
}

type Near interface {
	Near(ctx context.Context) (renamed.Text, error)
}

// Contexts are where one would not look for them.
type Contexts interface {
	Second(n int, ctx context.Context) error
	Two(a, b context.Context) (same bool, err error)
	Variadic(more ...context.Context) error
	Alias(ctx Ctx) error
	Own(ctx ownContext) error
	Lookalike(ctx lookalike) error
	InStruct(s struct{ Ctx context.Context }) error
	Request(req *http.Request) (*http.Response, error)
}

type Ctx = context.Context

type ownContext interface{ context.Context }

// lookalike has the methods of a context, but is none.
type lookalike interface {
	Deadline() (deadline Time, ok bool)
	Done() <-chan bool
	Err() error
	Value(key any) any
}

// Variadics are passed on as such.
type Variadics interface {
	Strings(ctx context.Context, s ...string) (int, error)
	Funcs(ctx context.Context, f ...func(...int) error) error
	Only(args ...any) error
	Quiet(args ...any) int
	Slices(ctx context.Context, s ...[]*renamed.Pair[string, int]) error
}

// Types has types that are hard to write.
type Types interface {
	Channels(ctx context.Context, a chan<- (<-chan int), b chan (<-chan int), c <-chan (chan<- int), d chan func() chan int) error
	Literals(ctx context.Context, s struct {
		Name string `json:"name,omitempty"`
		io.Reader
		own int
	}, i interface {
		Near
		Do(n int, more ...string) (a, b error)
	}) error
	Funcs(ctx context.Context, f func(a int, b ...string) func(error) (x, y int)) error
	Arrays(ctx context.Context, a [4][]map[[2]string]*[3]byte) ([1 << 3]rune, error)
	Unsafe(ctx context.Context, p unsafe.Pointer, u uintptr) error
	Dot(ctx context.Context, d Duration) (Time, error)
	Generic(ctx context.Context, p renamed.Pair[string, renamed.Pairs[Time]], l renamed.Pairs[any]) error
	Own(ctx context.Context, u unexported) (*unexported, error)
	Hidden(ctx context.Context, s renamed.Secret) (renamed.Keeper, error)
	Predeclared(ctx context.Context, a any, e error, b byte, r rune, c complex128) (comparable bool, err error)
}

type unexported struct{ n int }

// Lives returns what is in use after the call.
type Lives interface {
	Response(ctx context.Context) (*http.Response, error)
	Body(ctx context.Context) (io.ReadCloser, error)
	Rows(ctx context.Context) (*sql.Rows, error)
	Tx(ctx context.Context) (*sql.Tx, error)
	Channel(ctx context.Context) (<-chan int, error)
	Seq(ctx context.Context) (iter.Seq2[int, error], error)
	Func(ctx context.Context) (stop func(), err error)
	Object(ctx context.Context) (Object, error)
	Pointer(ctx context.Context) (*Object, int, error)
	Several(ctx context.Context) (io.ReadCloser, *http.Response, error)
	Stream(ctx context.Context) (Stream, error)
	Slice(ctx context.Context) ([]io.ReadCloser, error)
	Context(ctx context.Context) (context.Context, error)
	Data(ctx context.Context) (map[string]renamed.Secret, error)
	Nothing(ctx context.Context) (sql.NullString, error)
	Output(ctx context.Context) (*Output, error)
	Watch(ctx context.Context) (Watcher, error)
	Lease(ctx context.Context) (<-chan *Lease, error)
	Confirm(ctx context.Context) (*Confirmation, error)
	Untimed() (<-chan int, error)
	Bounded(ctx context.Context) (<-chan int, error) //clad:bounded

	//clad:skip
	Skipped(ctx context.Context) (io.ReadCloser, error)
}

type Object struct {
	Size int64
	Body io.ReadCloser
}

// Output hides its stream, as those of AWS do.
type Output struct{ stream *EventStream }

func (o *Output) GetStream() *EventStream { return o.stream }

type EventStream struct{ c chan int }

func (s *EventStream) Events() <-chan int { return s.c }
func (s *EventStream) Close() error       { return nil }

// Watcher is as Kubernetes has it.
type Watcher interface {
	Stop()
	ResultChan() <-chan int
}

type Lease struct{ TTL int }

// Confirmation has a channel that is closed, and nothing that is read.
type Confirmation struct{}

func (*Confirmation) Done() <-chan struct{} { return nil }

type Stream interface {
	Recv() (string, error)
}

// Consumes has arguments that are used up by an attempt.
type Consumes interface {
	Upload(ctx context.Context, name string, body io.Reader) error
	File(ctx context.Context, f interface {
		io.Reader
		io.Seeker
	}) error
	Feed(ctx context.Context, c <-chan int) error
	Fill(ctx context.Context, c chan<- int) error
	Do(req *http.Request) (*http.Response, error)

	Buffer(ctx context.Context, b *bytes.Buffer) error
	OpenFile(ctx context.Context, f *os.File) error
	Put(ctx context.Context, in *Put) error
	PutValue(ctx context.Context, in Put) error
	PutHidden(ctx context.Context, in *hiddenPut) error
	PutAll(ctx context.Context, in []Put) error
	Parts(ctx context.Context, parts ...io.Reader) error
	Body(ctx context.Context, body any) error
	Args(ctx context.Context, query string, args ...any) (int, error)
	Rows(ctx context.Context, rows Cursor) (int64, error)
	Pull(ctx context.Context, next func() (int, bool)) error
	Seq(ctx context.Context, items iter.Seq[int]) error
	Each(ctx context.Context, each func(int) error) error
	Signal(ctx context.Context, stop <-chan struct{}) error
	Options(ctx context.Context, options ...func(*Put)) error
	Get(ctx context.Context, body func() (io.ReadCloser, error)) error
	RequestToo(ctx context.Context, req *http.Request) error

	// Transact may begin anew.
	//
	//clad:safe
	Transact(ctx context.Context, do func(context.Context) error) error
	Set(ctx context.Context, n int) error                                                      //clad:safe
	Size(context.Context, string) (int64, error)                                               //clad:safe
	Stat(ctx context.Context, failed string, at [2]Time) (hedged int64, won string, err error) //clad:safe
	SetBody(ctx context.Context, body io.Reader) error                                         //clad:safe
	CreateFrom(ctx context.Context, body io.Reader) error                                      //clad:once
	//clad:skip
	Later(ctx context.Context, rows Cursor) error

	Within(ctx context.Context, tx *sql.Tx, id string) error
	ByHandle(ctx context.Context, db DBTX) (int, error)
	ByQueries(ctx context.Context, q *Queries) error
	WithTx(ctx context.Context, in struct{ Tx Transaction }) error //clad:safe
}

// DBTX is what a database and its transactions have in common.
type DBTX interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Queries keeps its database, or transaction, to itself.
type Queries struct{ db DBTX }

// NewQueries makes Queries of a database or of a transaction.
func NewQueries(db DBTX) *Queries { return &Queries{db} }

// Transaction is as pgx's.
type Transaction interface {
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// Put is what an object store takes.
type Put struct {
	Name string
	Body io.Reader
	Meta map[string]string
	More *Put
	Tag  struct{ Text bytes.Buffer }
}

type hiddenPut struct{ body io.Reader }

// Cursor is what rows are copied from.
type Cursor interface {
	Next() bool
	Values() ([]any, error)
	Err() error
}

// Repo is generic.
type Repo[K ~string | ~int, V any] interface {
	Get(ctx context.Context, key K) (V, error)
	Put(ctx context.Context, K K, T V) error
	All(ctx context.Context) (iter.Seq2[K, V], error)
	Map(ctx context.Context, f func(map[K]V) renamed.Pair[string, V]) error
}

// Tree's parameter is constrained by itself.
type Tree[T Tree[T]] interface {
	Children(ctx context.Context) ([]T, error)
}

type Leaf struct{}

func (Leaf) Children(context.Context) ([]Leaf, error) { return nil, nil }

// Odd has type parameters with names that can't be kept.
type Odd[_ any, context fmt.Stringer, error comparable, p interface {
	*error
	fmt.Stringer
}] interface {
	Do(c Ctx, a context, b error, pp p) (err2, err error)
}

// Stringed is what Odd is instantiated with.
type Stringed struct{ S string }

func (s *Stringed) String() string { return s.S }

// Users embeds an instance.
type Users interface {
	Repo[string, *User]
	Ban(ctx context.Context, id string) error
}

type User struct{ Name string }

// Holder has a method Unwrap of its own.
type Holder interface {
	Unwrap() error
	Hold(ctx context.Context) error
}

// Fetcher is an alias of a literal; Getter of a type.
type (
	Fetcher = interface {
		Fetch(ctx context.Context, url string) ([]byte, error)
	}
	Getter = Fetcher
)

// Commands carry their errors, as those of go-redis do.
type Commands interface {
	Get(ctx context.Context, key string) *Command
	Set(ctx context.Context, err string, value any) *Command
	//clad:once
	Incr(ctx context.Context, key string) (result *Command)
	Untimed(result int) *Command
	Watch(ctx context.Context, keys ...string) *Subscription
	Later(ctx context.Context) CommandLike
	Do(ctx context.Context, args ...any) *Command
}

type Command struct {
	base
	Text string
}

type base struct{ err error }

func (b *base) Err() error       { return b.err }
func (b *base) SetErr(err error) { b.err = err }

// CommandLike can't be made where no attempt was.
type CommandLike interface {
	Err() error
	SetErr(err error)
}

type Subscription struct{}

// Querier has rows that say how it went when they are scanned, as pgx has.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) Row
	Named(p context.Context, r, row, call, Scan string, err int) Row
	Untimed(key int) RowOf
	Body(ctx context.Context, body io.Reader) Row
	//clad:once
	Insert(ctx context.Context) Row
	//clad:skip
	Skip(ctx context.Context) Row
	Both(ctx context.Context) interface {
		Row
		Err() error
	}
}

type (
	Row   interface{ Scan(dest ...any) error }
	RowOf interface {
		Scan(r *int, err error) error
	}
)

// Finder is generic, and has rows.
type Finder[K any] interface {
	Find(ctx context.Context, key K) Row
}

// Exchange is asserted to more.
type Exchange interface {
	Trade(ctx context.Context) error
}

type (
	Sessions interface {
		Session(ctx context.Context) (string, error)
		Close() error
	}
	Flusher interface {
		Flush() error
		Close() error
	}
	Sized interface{ Size() int }
	// Unsized contradicts Sized.
	Unsized interface{ Size() (int, error) }
	// Wide follows from Sessions and Flusher.
	Wide interface {
		Session(ctx context.Context) (string, error)
		Flush() error
	}
	// Never can't be: it contradicts the Exchange.
	Never interface{ Trade() }
)

// Market is what Exchange is made of, and asserted to.
type Market struct{}

func (*Market) Trade(context.Context) error { return nil }

// Inspect asserts in every way there is.
func Inspect(e Exchange) (found []string) {
	if _, ok := e.(Sessions); ok {
		found = append(found, "Sessions")
	}
	switch any(e).(type) { // says nothing of who is asserted
	case interface{ Unseen() }:
	}
	switch e := e.(type) {
	case nil:
	case *Market:
		found = append(found, "*Market")
	case Sized:
		_ = e.Size()
		found = append(found, "Sized")
	case Unsized, interface{ Anonymous(n int) error }:
		found = append(found, "Unsized or Anonymous")
	}
	found = append(found, wide(e)...)
	var f Flusher
	if As(e, &f) {
		found = append(found, "Flusher")
	}
	if _, ok := container.Unwrap(e).(*Market); ok {
		found = append(found, "Market behind")
	}
	return found
}

// Repos asserts an instance of what is generic.
func Repos(r Repo[string, User]) bool {
	_, ok := r.(Flusher)
	return ok
}

func wide(v any) []string {
	if _, ok := v.(Wide); ok {
		return []string{"Wide"}
	}
	return nil
}

// As is like errors.As.
func As(e Exchange, target *Flusher) bool {
	f, ok := any(e).(Flusher)
	*target = f
	return ok
}

// Keyed has arguments that say of which partition a call is.
type Keyed interface {
	//clad:key tenant
	ByText(ctx context.Context, tenant string, n int) (string, error)
	ByName(ctx context.Context, call Tenant) error      //clad:key call
	ByNumber(ctx context.Context, strconv int) error    //clad:key strconv
	BySigned(ctx context.Context, at int64) error       //clad:key at
	BySize(ctx context.Context, shard Shard) error      //clad:key shard
	ByUnsigned(ctx context.Context, at uint64) error    //clad:key at
	ByValue(ctx context.Context, id UUID) error         //clad:key id
	ByRequest(tenant string, req *http.Request) error   //clad:key tenant
	WithoutContext(tenant string) error                 //clad:key tenant
	ByCommand(ctx context.Context, key string) *Command //clad:key key

	// What is hedged is of the partition as well.
	//
	//clad:safe
	//clad:key tenant
	GetBoth(ctx context.Context, tenant string) (string, error)
	KeyedToo //clad:key shard
}

// KeyedToo is given its key where it is embedded.
type KeyedToo interface {
	ByShard(ctx context.Context, shard Shard) error
	ByNone(ctx context.Context) error
	Name(shard Shard) string
}

type (
	Tenant string
	Shard  uint8
	UUID   [2]byte
)

func (u UUID) String() string { return fmt.Sprintf("%x", u[:]) }

// Constraint and the others are refused.
type (
	Constraint interface{ ~int | ~string }
	Empty      interface{}
	Compared   interface {
		comparable
		Do(ctx context.Context) error
	}
)

// Hide makes an input that code elsewhere can't look into.
func Hide(body io.Reader) *hiddenPut { return &hiddenPut{body} }

// CallHidden calls the methods that only this package can.
func CallHidden(ctx context.Context, f Fields) (next, charge error) {
	return f.next(ctx), f.charge(ctx)
}
